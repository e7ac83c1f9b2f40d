"""A parameter sheet as an .xlsx in the home.

Only our own columns are written, wherever people moved them, and only in rows that still say what was answered; what
people typed elsewhere stays. The file is replaced by a rename under a lock; while a spreadsheet program has it open it
is read, and written once it is closed.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerting_pipeline.adapters.channels.file_lock import locked
from alerting_pipeline.adapters.channels.sheet_rows import guarded
from alerting_pipeline.adapters.exact_cell import exact
from alerting_pipeline.domain.change_request import Key
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.parameter_sheet import (
    ALERT,
    COLUMNS,
    FOR,
    IN_FORCE,
    NEEDED,
    NEW_VALUE,
    PARAMETER,
    PERSON,
    REASON,
    SCOPE,
    TYPED,
    Cells,
    SheetRow,
    SheetUnusable,
    key_of,
)

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_MOST_BYTES = 20_000_000
_MOST_UNPACKED = 200_000_000
_WIDTHS = {ALERT: 26, PARAMETER: 22, NEW_VALUE: 16, REASON: 40, "answer": 60}


@dataclass(frozen=True, slots=True)
class ParameterWorkbook:
    """One worksheet of one file."""

    name: str
    path: Path
    worksheet: str
    most_rows: int = 20_000

    def rows(self) -> list[SheetRow]:
        """What stands there; nothing while there is no file. Raises SheetUnusable."""
        with self._reading():
            if not self.path.exists():
                return []
            sheet = self._sheet(self._open())
            return list(_rows(sheet, _columns(sheet, self.path.name)))

    def rewrite(self, cells_of: Callable[[SheetRow], Cells], lines: Mapping[Key, Cells]) -> int:
        """Write what changed, in one replacement of the file. Raises SheetUnusable."""
        with self._reading():
            self._refuse_open_elsewhere()
            book = self._open() if self.path.exists() else self._new()
            sheet = self._sheet(book)
            columns = _columns(sheet, self.path.name)
            rows = list(_rows(sheet, columns))
            changed = sum(_write(sheet, columns, row.number, cells_of(row)) for row in rows)
            there = {row.key for row in rows}
            last = max((row.number for row in rows), default=1)
            for key, cells in lines.items():
                if key in there:
                    continue
                if last > self.most_rows:
                    raise SheetUnusable(f"{self.path.name} has {self.most_rows} rows; name fewer alerts: in its entry.")
                last += 1
                changed += _write(sheet, columns, last, cells)
            if changed:
                self._save(book)
            return changed

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with locked(self.path):
                yield
        except BlockingIOError:
            raise SheetUnusable(f"{self.path.name} is written by another program just now; read it later.") from None
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise SheetUnusable(f"{self.path.name} can't be read or written ({why}); check the file.") from None

    def _refuse_open_elsewhere(self) -> None:
        for beside in (f"~${self.path.name}", f".~lock.{self.path.name}#"):
            if self.path.with_name(beside).exists():
                raise SheetUnusable(
                    f"{self.path.name} is open in a spreadsheet program; answers are written once it is closed "
                    f"(or {beside} removed)."
                )

    def _open(self) -> Workbook:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        try:
            if self.path.stat().st_size > _MOST_BYTES or _unpacked(self.path) > _MOST_UNPACKED:
                raise SheetUnusable(f"{self.path.name} is too large for a parameter sheet; move what isn't of it away.")
            return load_workbook(self.path, rich_text=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError) as error:
            raise SheetUnusable(
                f"{self.path.name} is not a readable .xlsx file; put back an earlier copy, or move it away, and a new "
                "one is made."
            ) from error

    def _new(self) -> Workbook:
        from openpyxl import Workbook
        from openpyxl.styles import Font, PatternFill
        from openpyxl.utils import get_column_letter

        book = Workbook()
        sheet = book.worksheets[0]
        sheet.title = self.worksheet
        for place, name in enumerate(COLUMNS, 1):
            cell = sheet.cell(1, place, name)
            cell.font = Font(bold=True)
            cell.fill = PatternFill("solid", fgColor="FFF4CC" if name in TYPED else "EAECF0")
            sheet.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(name, 14)
        sheet.freeze_panes = "A2"
        return book

    def _sheet(self, book: Workbook) -> Worksheet:
        if self.worksheet not in book.sheetnames:
            raise SheetUnusable(
                f'{self.path.name} has no worksheet "{self.worksheet}"; name it so again, or move the file away, and a '
                "new one is made."
            )
        sheet = book[self.worksheet]
        if sheet.max_row > self.most_rows + 1:
            raise SheetUnusable(f"{self.path.name} has more than {self.most_rows} rows; delete those that are empty.")
        return sheet

    def _save(self, book: Workbook) -> None:
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.draft")
        book.save(draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(self.path)


def _unpacked(path: Path) -> int:
    with zipfile.ZipFile(path) as packed:
        return sum(each.file_size for each in packed.infolist())


def _columns(sheet: Worksheet, file: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(sheet[1], 1):
        name = str(cell.value).strip() if cell.value is not None else ""
        if name in found and name in NEEDED:
            raise SheetUnusable(f'{file} has the column "{name}" twice; rename one of them.')
        found.setdefault(name, place)
    if missing := [name for name in NEEDED if name not in found]:
        named = ", ".join(f'"{name}"' for name in missing)
        raise SheetUnusable(f"{file} has no column {named}; name it so again in the first row.")
    return found


def _rows(sheet: Worksheet, columns: Mapping[str, int]) -> Iterator[SheetRow]:
    for number in range(2, sheet.max_row + 1):
        cells = {name: sheet.cell(number, columns[name]) for name in NEEDED}
        if all(cell.value is None for cell in cells.values()):
            continue
        yield _row(number, cells)


def _row(number: int, cells: Mapping[str, Any]) -> SheetRow:
    said, wrong = {}, []
    for name in (ALERT, PARAMETER, SCOPE, FOR, IN_FORCE, REASON, PERSON):
        try:
            said[name] = _text(exact(cells[name]))
        except BadCall as error:
            said[name] = ""
            wrong.append(f"{name}: {error}")
    written = None
    try:
        written = exact(cells[NEW_VALUE])
    except BadCall as error:
        wrong.append(f"{NEW_VALUE}: {error}")
    key = None
    if written is not None or wrong or said[ALERT]:
        try:
            key = key_of(said[ALERT], said[PARAMETER], said[SCOPE], said[FOR])
        except BadCall as error:
            wrong.append(str(error))
    if written is None and cells[NEW_VALUE].value is None:
        wrong = []  # nothing is asked for
    return SheetRow(
        number, key, said[IN_FORCE], written, said[REASON].strip(), said[PERSON].strip(), "; ".join(wrong)
    )  # fmt: skip


def _text(value: object) -> str:
    """A text as it stands; a guard before what would be a formula is ours."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = format(value, "f") if not isinstance(value, str) else value
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text


def _write(sheet: Worksheet, columns: Mapping[str, int], number: int, cells: Cells) -> int:
    """1 if a cell of the row got another value."""
    from openpyxl.cell import Cell

    changed = 0
    for name, value in cells.items():
        if name not in columns:
            continue  # people deleted it
        cell = sheet.cell(number, columns[name])
        text = guarded(value) or None
        if not isinstance(cell, Cell) or cell.value == text:
            continue
        cell.value = text
        if text is not None:
            cell.data_type, cell.number_format = "s", "@"
        changed = 1
    return changed
