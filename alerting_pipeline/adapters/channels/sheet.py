"""A sheet that people work in: an .xlsx with one row per incident, kept up to date by its key.

Only our own columns are written, wherever people moved them; columns and rows that they added stay as they are. The
file is replaced by a rename under a lock, so that nobody ever opens half of it and two workers never lose a row.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.rendering.message import Message, Scalar
from alerting_pipeline.rendering.record import KEY, LONGEST_TEXT, record

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_WIDTHS = {"summary": 60, "title": 28, "link": 40, KEY: 12, "status": 12, "severity": 11}
_LOCK_PATIENCE = 10.0


class SheetSettings(BaseModel):
    """Settings of a sheet destination: the file's name within the home's `sheets` folder, and the worksheet's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,100}\.xlsx$",
        description="The file in the home's folder sheets; default: the destination's name.",
    )
    worksheet: str = Field(
        default="Incidents", pattern=r"^[^\[\]:*?/\\']{1,31}$", description="The worksheet that is ours."
    )
    most_rows: int = Field(default=20_000, ge=1, le=200_000, description="A fuller worksheet takes no further row.")


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

    def deliver_batch(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
        """Read the file once, write all rows, replace it once."""
        try:
            with self._locked():
                book, sheet = self._open()
                rows = _Rows(sheet, self._settings.most_rows)
                answers = [self._put(rows, delivery) for delivery in deliveries]
                self._save(book)
        except OSError as error:
            reason = f"the sheet {self._path.name} can't be written: {error.strerror or type(error).__name__}"
            raise Undelivered(reason, retryable=True) from error
        return answers

    def _put(self, rows: _Rows, delivery: Delivery) -> Receipt | Undelivered:
        row = record(Message.from_json(delivery.message))
        if row[KEY] is None:
            return Undelivered("a sheet takes incidents only; this message has none", retryable=False)
        number = rows.put(row)
        if number is None:
            reason = f"the sheet {self._path.name} has {self._settings.most_rows} rows; move old ones to another file"
            return Undelivered(reason, retryable=False)
        return Receipt({"via": "sheet", "file": self._path.name, "row": number})

    def _open(self) -> tuple[Workbook, Worksheet]:
        from openpyxl import Workbook, load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        if not self._path.exists():
            book = Workbook()
            book.remove(book.worksheets[0])
        else:
            try:
                book = load_workbook(self._path)
            except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
                reason = f"{self._path.name} is not a readable .xlsx file; rename it, and a new one is made"
                raise Undelivered(reason, retryable=False) from error
        name = self._settings.worksheet
        return book, book[name] if name in book.sheetnames else book.create_sheet(name)

    def _save(self, book: Workbook) -> None:
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.draft")
        book.save(draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        give_up = time.monotonic() + _LOCK_PATIENCE
        with self._path.with_name(f".{self._path.name}.lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > give_up:
                        raise
                    time.sleep(0.02)
            yield


class _Rows:
    """The rows of a worksheet by incident, and its columns by header."""

    def __init__(self, sheet: Worksheet, most_rows: int) -> None:
        self._sheet = sheet
        self._most = most_rows
        self._columns = _headers(sheet)
        self._numbers: dict[str, int] = {}
        self._last = sheet.max_row if self._columns else 1
        if KEY in self._columns:
            for number in range(2, sheet.max_row + 1):
                key = sheet.cell(number, self._columns[KEY]).value
                if key is not None:
                    self._numbers[str(key)] = number

    def put(self, row: Mapping[str, Scalar]) -> int | None:
        """Write the row where its incident is, or below the last one; None if the sheet is full."""
        from openpyxl.cell import Cell

        key = str(row[KEY])
        number = self._numbers.get(key)
        if number is None:
            if self._last > self._most:
                return None
            self._last += 1
            number = self._numbers[key] = self._last
        for name, value in row.items():
            cell = self._sheet.cell(number, self._column(name))
            if not isinstance(cell, Cell):
                continue  # people merged it into another one
            cell.value = guarded(value)
            if isinstance(cell.value, str):
                cell.data_type = "s"  # openpyxl would take a leading = for a formula
        return number

    def _column(self, name: str) -> int:
        from openpyxl.styles import Alignment, Font, PatternFill
        from openpyxl.utils import get_column_letter

        if name not in self._columns:
            place = self._columns[name] = max(self._columns.values(), default=0) + 1
            header = self._sheet.cell(1, place, guarded(name))
            header.font, header.fill = Font(bold=True), PatternFill("solid", fgColor="EAECF0")
            header.alignment = Alignment(vertical="center")
            self._sheet.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(name, 20)
            if self._sheet.freeze_panes is None:
                self._sheet.freeze_panes = "B2"
        return self._columns[name]


def guarded(value: Scalar) -> Scalar:
    """A cell that no spreadsheet takes for a formula, whatever the data begins with."""
    if not isinstance(value, str):
        return value
    text = _ILLEGAL.sub("", value)
    is_formula = text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
    return (f"'{text}" if is_formula else text)[:LONGEST_TEXT]


def _headers(sheet: Worksheet) -> dict[str, int]:
    found: dict[str, int] = {}
    values: list[Any] = [cell.value for cell in sheet[1]] if sheet.max_row else []
    for place, value in enumerate(values, start=1):
        if value is not None:
            found.setdefault(str(value).strip(), place)
    return found
