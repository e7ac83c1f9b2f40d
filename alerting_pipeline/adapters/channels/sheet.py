"""A sheet that people work in: an .xlsx with one row per incident, kept up to date by its key.

Only our own columns are written, wherever people moved them; columns and rows that they added stay as they are. With
`tab_by` each value of a column has a worksheet of its own, such as a list per manager. The file is replaced by a rename
under a lock, so that nobody ever opens half of it and two workers never lose a row.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from alerting_pipeline.adapters.channels.file_lock import locked
from alerting_pipeline.adapters.channels.sheet_tabs import Tabs
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.per_run import PerRun
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.rendering.message import Message
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
    """One worksheet of one file. Deliveries are upserts by incident, so that a repeated one changes nothing."""

    pace = Pace()

    def __init__(self, settings: SheetSettings, path: Path) -> None:
        self._settings = settings
        self._path = path

    def deliver(self, delivery: Delivery) -> Receipt:
        """Raises Undelivered for a full or unreadable sheet (for good) and for a lock or disk in the way (passing)."""
        answer = self.deliver_batch([delivery])[0]
        if isinstance(answer, Undelivered):
            raise answer
        return answer

    def try_out(self, delivery: Delivery) -> Receipt:
        """Put the row into the sheet as it is read, and leave the file alone."""
        with locked(self._path):
            tabs = Tabs(self._open(), self._settings.tab_by, self._settings.worksheet, self._settings.most_rows)
            answer = self._put(tabs, delivery)
        if isinstance(answer, Undelivered):
            raise answer
        return Receipt({**answer.data, "would_write": record(Message.from_json(delivery.message))})

    def deliver_batch(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
        """Read the file once, write all rows, replace it once."""
        try:
            with locked(self._path):
                book = self._open()
                tabs = Tabs(book, self._settings.tab_by, self._settings.worksheet, self._settings.most_rows)
                answers = [self._put(tabs, delivery) for delivery in deliveries]
                if book.worksheets:
                    self._save(book)
        except OSError as error:
            reason = f"the sheet {self._path.name} can't be written: {error.strerror or type(error).__name__}"
            raise Undelivered(reason, retryable=True) from error
        return answers

    def _put(self, tabs: Tabs, delivery: Delivery) -> Receipt | Undelivered:
        row = record(Message.from_json(delivery.message))
        if row[KEY] is None:
            return Undelivered("a sheet takes incidents only; this message has none", retryable=False)
        put = tabs.put(row)
        if put is None:
            reason = f"the sheet {self._path.name} has {self._settings.most_rows} rows; move old ones to another file"
            return Undelivered(reason, retryable=False)
        tab, number = put
        place = {"tab": tab} if self._settings.tab_by else {}
        return Receipt({"via": "sheet", "file": self._path.name, **place, "row": number})

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
