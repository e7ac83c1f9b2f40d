"""The rows of one worksheet by incident, and its columns by header, wherever people moved either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from alerting_pipeline.rendering.message import Scalar
from alerting_pipeline.rendering.record import KEY, LONGEST_TEXT

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_WIDTHS = {"summary": 60, "title": 28, "link": 40, KEY: 12, "status": 12, "severity": 11}


class Rows:
    """The rows of a worksheet: `key in rows`, `put`, and `take_over` what people typed beside a row elsewhere."""

    def __init__(self, sheet: Worksheet, most_rows: int) -> None:
        self._sheet = sheet
        self._most = most_rows
        self._columns = _headers(sheet)
        self._numbers: dict[str, int] = {}
        self._last = sheet.max_row if self._columns else 1
        if self.has_key:
            for number in range(2, sheet.max_row + 1):
                key = sheet.cell(number, self._columns[KEY]).value
                if key is not None:
                    self._numbers[str(key)] = number

    def __contains__(self, key: str) -> bool:
        return key in self._numbers

    @property
    def has_key(self) -> bool:
        """Is there a column of incidents?"""
        return KEY in self._columns

    def values(self, key: str) -> dict[str, Any]:
        """What stands in the incident's row, by header; a formula is its text."""
        number = self._numbers[key]
        return {name: self._sheet.cell(number, place).value for name, place in self._columns.items()}

    def restore(self, key: str, row: Mapping[str, Any]) -> None:
        """Put these values back, as they once were written."""
        for name, value in row.items():
            self._set(self._numbers[key], name, value)

    def remove(self, key: str) -> None:
        """Empty the incident's row; deleting it would shift the rows below under the formulas of people."""
        for cell in self._sheet[self._numbers.pop(key)]:
            cell.value = None

    def put(self, row: Mapping[str, Scalar]) -> int | None:
        """Write the row where its incident is, or below the last one; None if the sheet is full."""
        key = str(row[KEY])
        number = self._numbers.get(key)
        if number is None:
            if self._last > self._most:
                return None
            self._last += 1
            number = self._numbers[key] = self._last
        for name, value in row.items():
            self._set(number, name, guarded(value))
        return number

    def _set(self, number: int, name: str, value: Any) -> None:
        from openpyxl.cell import Cell

        cell = self._sheet.cell(number, self._column(name))
        if not isinstance(cell, Cell):
            return  # people merged it into another one
        cell.value = value
        if isinstance(cell.value, str):
            cell.data_type = "s"  # openpyxl would take a leading = for a formula

    def take_over(self, number: int, other: Rows, key: str, ours: Mapping[str, Scalar]) -> None:
        """Move what people typed beside the incident's row in `other` to the row `number` here, and empty that row.

        A formula is moved as a spreadsheet moves it: what it refers to relative to itself moves with it.
        """
        from openpyxl.cell import Cell

        headers = {place: name for name, place in other._columns.items()}
        for left in other._sheet[other._numbers.pop(key)]:
            if not isinstance(left, Cell):
                continue  # merged: its value is that of the first cell
            name = headers.get(left.column, f"Column {left.column_letter}")
            if name not in ours and (left.value is not None or left.comment is not None):
                cell = self._sheet.cell(number, self._column(name))
                if isinstance(cell, Cell):
                    _move(left, cell)
            left.value, left.comment = None, None

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
    text = ILLEGAL.sub("", value)
    is_formula = text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
    return (f"'{text}" if is_formula else text)[:LONGEST_TEXT]


def _move(left: Cell, cell: Cell) -> None:
    from openpyxl.formula.translate import Translator

    kind, value = left.data_type, left.value
    if kind == "f" and isinstance(value, str):
        value = Translator(value, left.coordinate).translate_formula(cell.coordinate)
    cell.value, cell.data_type = value, kind
    cell.number_format, cell.comment = left.number_format, copy(left.comment)


def _headers(sheet: Worksheet) -> dict[str, int]:
    found: dict[str, int] = {}
    values: list[Any] = [cell.value for cell in sheet[1]] if sheet.max_row else []
    for place, value in enumerate(values, start=1):
        if value is not None:
            found.setdefault(str(value).strip(), place)
    return found
