"""A CSV file with one row per incident, for a program that imports lists, such as a marketing tool.

RFC 4180 in UTF-8, with a header. Rows are found by their incident, so that a repeated delivery changes nothing. Only
the listed columns leave the house, and a text that a spreadsheet would take for a formula is quoted with `'`. The file
is replaced by a rename under a lock: whoever reads it sees a whole list, and two workers never lose a row.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerting_pipeline.adapters.channels.file_lock import locked
from alerting_pipeline.adapters.channels.sheet_rows import guarded
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.per_run import PerRun
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.written_row import NotUndone, RowLedger, WrittenRow
from alerting_pipeline.rendering.message import Message, Scalar
from alerting_pipeline.rendering.record import KEY, record

Column = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
_LARGEST_FIELD = 1_000_000
_Rows = dict[str, dict[str, str]]


class CsvSettings(BaseModel):
    """Settings of a csv destination. `incident_id` is always its first column: it is the key of a row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,100}\.csv$",
        description="The file in the home's folder sheets; default: the destination's name.",
    )
    columns: tuple[Column, ...] = Field(min_length=1, description="Which columns of the row are written, in order.")
    when_resolved: Literal["mark", "remove"] = Field(
        default="mark", description="What becomes of the row of an incident that ended: its status says so, or it goes."
    )
    most_rows: int = Field(default=100_000, ge=1, le=1_000_000, description="A fuller file takes no further row.")

    at_most: PerRun = Field(
        default=None,
        description="So many rows of one run of an alert; above it none is written until somebody approves.",
    )

    @model_validator(mode="after")
    def _columns_are_different(self) -> CsvSettings:
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise Mistake("AP403", f"columns names {twice[0]} twice; name each column once")
        if self.when_resolved == "mark" and "status" not in self.columns:
            raise Mistake(
                "AP403", "columns lack status, by which an ended row is marked; add it, or when_resolved: remove"
            )
        return self

    @property
    def header(self) -> tuple[str, ...]:
        """The key, then the columns that were asked for."""
        return (KEY, *(name for name in self.columns if name != KEY))


class CsvChannel:
    """One file. Deliveries are upserts by incident."""

    pace = Pace()

    def __init__(self, settings: CsvSettings, path: Path, ledger: RowLedger | None = None) -> None:
        self._settings = settings
        self._path = path
        self._ledger = ledger

    def deliver(self, delivery: Delivery) -> Receipt:
        """Raises Undelivered for a full or foreign file (for good) and for a lock or disk in the way (passing)."""
        answer = self.deliver_batch([delivery])[0]
        if isinstance(answer, Undelivered):
            raise answer
        return answer

    def try_out(self, delivery: Delivery) -> Receipt:
        """Put the row into the list as it is read, and leave the file alone."""
        (row,) = self.preview([delivery])
        return Receipt({"via": "csv", "file": self._path.name, "would_write": row.values[1] or {}})

    def preview(self, deliveries: Sequence[Delivery]) -> list[WrittenRow]:
        """Put the rows into the list as it is read, and leave the file alone."""
        written: list[WrittenRow] = []
        with locked(self._path):
            rows = self._read()
            answers = [self._put(rows, delivery, written) for delivery in deliveries]
        if refused := [answer for answer in answers if isinstance(answer, Undelivered)]:
            raise refused[0]
        return written

    def take_back(self, row: WrittenRow, person: str) -> None:
        """Put the row back as it was. Raises NotUndone where it is another one since."""
        before, after = row.values
        key = str(row.key[KEY])
        with locked(self._path):
            rows = self._read()
            if rows.get(key) != after:
                raise NotUndone("the row has changed since")
            rows.pop(key, None)
            if before is not None:
                rows[key] = before
            if self._ledger is not None:
                self._ledger.mark_undone(row.delivery_id, person)
            self._save(rows)

    def deliver_batch(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
        """Read the file once, change all rows, replace it once."""
        try:
            with locked(self._path):
                rows = self._read()
                written: list[WrittenRow] = []
                answers = [self._put(rows, delivery, written) for delivery in deliveries]
                if self._ledger is not None:
                    # Noted before the file is replaced: a repeated delivery writes the same row and notes nothing.
                    self._ledger.note(written)
                self._save(rows)
        except OSError as error:
            reason = f"the file {self._path.name} can't be written: {error.strerror or type(error).__name__}"
            raise Undelivered(reason, retryable=True) from error
        return answers

    def _put(self, rows: _Rows, delivery: Delivery, written: list[WrittenRow]) -> Receipt | Undelivered:
        message = Message.from_json(delivery.message)
        row = record(message)
        key = str(row[KEY])
        if row[KEY] is None:
            return Undelivered("a CSV file takes incidents only; this message has none", retryable=False)
        receipt = {"via": "csv", "file": self._path.name, "incident_id": row[KEY]}
        before = rows.get(key)
        if message.is_resolved and self._settings.when_resolved == "remove":
            rows.pop(key, None)
            written.append(self._written(delivery, message, before, None))
            return Receipt({**receipt, "removed": True})
        if key not in rows and len(rows) >= self._settings.most_rows:
            reason = f"the file {self._path.name} has {self._settings.most_rows} rows; raise most_rows, or move it away"
            return Undelivered(reason, retryable=False)
        rows[key] = {name: _written(row.get(name)) for name in self._settings.header}
        written.append(self._written(delivery, message, before, rows[key]))
        return Receipt(receipt)

    def _written(
        self, delivery: Delivery, message: Message, before: dict[str, str] | None, after: dict[str, str] | None
    ) -> WrittenRow:
        about = (delivery.id, delivery.incident_id, message.alert, delivery.destination, delivery.channel)
        was, now = (None if row is None else json.dumps(row) for row in (before, after))
        return WrittenRow(*about, self._path.name, {KEY: message.incident_id}, was, now)

    def _read(self) -> _Rows:
        """The rows by their key, in the order of the file."""
        if not self._path.exists():
            return {}
        try:
            csv.field_size_limit(_LARGEST_FIELD)
            with self._path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file, strict=True)
                if KEY not in (reader.fieldnames or ()):
                    raise csv.Error("no key")
                return {row[KEY]: {name: row.get(name) or "" for name in self._settings.header} for row in reader}
        except (csv.Error, UnicodeDecodeError) as error:
            reason = f"{self._path.name} is not a list of ours; rename it, and a new one is made"
            raise Undelivered(reason, retryable=False) from error

    def _save(self, rows: _Rows) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self._settings.header, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows.values())
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.draft")
        with draft.open("wb") as file:
            file.write(text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def _written(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(guarded(value))
