"""A sheet that people work in: an .xlsx with one row per incident, kept up to date by its key.

Only our own columns are written, wherever people moved them; columns and rows that they added stay as they are. With
`tab_by` each value of a column has a worksheet of its own, such as a list per manager. The file is replaced by a rename
under a lock, so that nobody ever opens half of it and two workers never lose a row.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from alerting_pipeline.adapters.channels.file_lock import locked
from alerting_pipeline.adapters.channels.sheet_rows import guarded
from alerting_pipeline.adapters.channels.sheet_tabs import Tabs
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.per_run import PerRun
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.domain.written_row import NotUndone, RowLedger, WrittenRow, is_same
from alerting_pipeline.rendering.message import Message, Scalar
from alerting_pipeline.rendering.record import KEY, record

if TYPE_CHECKING:
    from openpyxl import Workbook


class SheetSettings(BaseModel):
    """Settings of a sheet destination: the file's name within the home's `sheets` folder, and the worksheet's.

    `tab_by` names a column of the row: each of its values has a worksheet of its own, and `worksheet` takes the rows in
    which it is empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,100}\.xlsx$",
        description="The file in the home's folder sheets; default: the destination's name.",
    )
    worksheet: str = Field(
        default="Incidents", pattern=r"^[^\[\]:*?/\\']{1,31}$", description="The worksheet that is ours."
    )
    tab_by: str | None = Field(
        default=None,
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="A column; each of its values has a worksheet of its own, and `worksheet` takes the other rows.",
    )
    most_rows: int = Field(default=20_000, ge=1, le=200_000, description="A fuller worksheet takes no further row.")
    at_most: PerRun = Field(
        default=None,
        description="So many rows of one run of an alert; above it none is written until somebody approves.",
    )


class SheetChannel:
    """One worksheet of one file. Deliveries are upserts by incident, so that a repeated one changes nothing.

    With a ledger, a cell of ours over which somebody typed is known by what was written last, kept, and told.
    """

    pace = Pace()

    def __init__(self, settings: SheetSettings, path: Path, ledger: RowLedger | None = None) -> None:
        self._settings = settings
        self._path = path
        self._ledger = ledger

    def deliver(self, delivery: Delivery) -> Receipt:
        """Raises Undelivered for a full or unreadable sheet (for good) and for a lock or disk in the way (passing)."""
        answer = self.deliver_batch([delivery])[0]
        if isinstance(answer, Undelivered):
            raise answer
        return answer

    def try_out(self, delivery: Delivery) -> Receipt:
        """Put the row into the sheet as it is read, and leave the file alone."""
        (row,) = self.preview([delivery])
        return Receipt({"via": "sheet", "file": self._path.name, "would_write": row.values[1] or {}})

    def preview(self, deliveries: Sequence[Delivery]) -> list[WrittenRow]:
        """Put the rows into the sheet as it is read, and leave the file alone."""
        written: list[WrittenRow] = []
        with locked(self._path):
            answers = self._put_all(self._open(), deliveries, written)
        if refused := [answer for answer in answers if isinstance(answer, Undelivered)]:
            raise refused[0]
        return written

    def deliver_batch(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
        """Read the file once, write all rows, replace it once."""
        written: list[WrittenRow] = []
        try:
            with locked(self._path):
                book = self._open()
                answers = self._put_all(book, deliveries, written)
                if self._ledger is not None:
                    # Noted before the file is replaced: a repeated delivery writes the same row and notes nothing.
                    self._ledger.note(written)
                if book.worksheets:
                    self._save(book)
        except OSError as error:
            reason = f"the sheet {self._path.name} can't be written: {error.strerror or type(error).__name__}"
            raise Undelivered(reason, retryable=True) from error
        return answers

    def take_back(self, row: WrittenRow, person: str) -> None:
        """Put our columns back as they were. Raises NotUndone where somebody has changed the row since."""
        before, after = row.values
        with locked(self._path):
            book = self._open()
            tabs = self._tabs(book)
            key = str(row.key[KEY])
            rows = tabs.holding(key)
            if rows is None or after is None:
                raise NotUndone("the row is gone")
            there = rows.values(key)
            ours = {name: value for name, value in after.items() if name not in row.kept}
            if since := sorted(name for name, value in ours.items() if not is_same(there.get(name), value)):
                raise NotUndone(f"somebody has changed {', '.join(since)} since")
            if before is not None:
                rows.restore(key, {name: value for name, value in before.items() if name in ours})
            elif typed := sorted(name for name, value in there.items() if name not in after and value is not None):
                raise NotUndone(f"somebody has typed beside it, in {', '.join(typed)}")
            else:
                rows.remove(key)
            if self._ledger is not None:
                self._ledger.mark_undone(row.delivery_id, person)
            self._save(book)

    def _tabs(self, book: Workbook) -> Tabs:
        return Tabs(book, self._settings.tab_by, self._settings.worksheet, self._settings.most_rows)

    def _put_all(
        self, book: Workbook, deliveries: Sequence[Delivery], written: list[WrittenRow]
    ) -> list[Receipt | Undelivered]:
        tabs = self._tabs(book)
        incidents = [delivery.incident_id for delivery in deliveries if delivery.incident_id is not None]
        last = dict(self._ledger.last(deliveries[0].destination, incidents)) if self._ledger and incidents else {}
        return [self._put(tabs, delivery, last, written) for delivery in deliveries]

    def _put(
        self, tabs: Tabs, delivery: Delivery, last: dict[int, Mapping[str, Any]], written: list[WrittenRow]
    ) -> Receipt | Undelivered:
        message = Message.from_json(delivery.message)
        row = record(message)
        if row[KEY] is None:
            return Undelivered("a sheet takes incidents only; this message has none", retryable=False)
        rows = tabs.holding(str(row[KEY]))
        before = None if rows is None else rows.values(str(row[KEY]))
        known = last.get(delivery.incident_id or 0, {})
        kept = () if before is None else _typed_over(row, before, known)
        put = tabs.put({name: value for name, value in row.items() if name not in kept})
        if put is None:
            reason = f"the sheet {self._path.name} has {self._settings.most_rows} rows; move old ones to another file"
            return Undelivered(reason, retryable=False)
        after = {name: known[name] if name in kept else guarded(value) for name, value in row.items()}
        if delivery.incident_id is not None:
            last[delivery.incident_id] = after
        was = None if before is None else {name: before.get(name) for name in row}
        about = (delivery.id, delivery.incident_id, message.alert, delivery.destination, delivery.channel)
        written.append(WrittenRow(*about, self._path.name, {KEY: row[KEY]}, _json(was), _json(after), kept))
        tab, number = put
        place = {"tab": tab} if self._settings.tab_by else {}
        warning = {"warning": f"kept what somebody typed over: {', '.join(kept)}"} if kept else {}
        return Receipt({"via": "sheet", "file": self._path.name, **place, "row": number, **warning})

    def _open(self) -> Workbook:
        from openpyxl import Workbook, load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        if not self._path.exists():
            book = Workbook()
            book.remove(book.worksheets[0])
            return book
        try:
            return load_workbook(self._path)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
            reason = f"{self._path.name} is not a readable .xlsx file; rename it, and a new one is made"
            raise Undelivered(reason, retryable=False) from error

    def _save(self, book: Workbook) -> None:
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.draft")
        book.save(draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(self._path)


def _typed_over(row: Mapping[str, Scalar], there: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[str, ...]:
    """Our columns whose cell is neither what was written last nor what is to be written now."""
    return tuple(
        name
        for name, value in row.items()
        if name in known
        and name in there
        and not is_same(there[name], known[name])
        and not is_same(there[name], guarded(value))
    )


def _json(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else json.dumps(row, default=str, ensure_ascii=True)
