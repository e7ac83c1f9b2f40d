"""Which worksheet of a workbook a row belongs to, where each value of a column has a list (a tab) of its own.

The names of tabs come from data, so they are made to fit Excel's rules, and two values never share a list. A row whose
value changed moves to its new list with everything that people typed beside it; the row that it leaves is emptied, not
deleted, because deleting would shift the rows below under the formulas of people.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from alerting_pipeline.adapters.channels.sheet_rows import ILLEGAL, Rows
from alerting_pipeline.rendering.message import Scalar
from alerting_pipeline.rendering.record import KEY

if TYPE_CHECKING:
    from openpyxl import Workbook

LONGEST_NAME = 31  # of a worksheet, in Excel's own unit (UTF-16)
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_RESERVED = frozenset({"history"})
_MARK = 6


class Tabs:
    """The lists of one workbook. `column` names a row's list; None: all rows are in the one called `default`."""

    def __init__(self, book: Workbook, column: str | None, default: str, most_rows: int) -> None:
        self._book = book
        self._column = column
        self._default = default
        self._most = most_rows
        self._made: dict[str, Rows] = {}

    def put(self, row: Mapping[str, Scalar]) -> tuple[str, int] | None:
        """Write the row into its list; the list and the row's number there, or None if the list is full."""
        name = self._name(row)
        rows, key = self._rows(name), str(row[KEY])
        if self._column is None or key in rows:
            number = rows.put(row)
            return None if number is None else (name, number)
        number = rows.put(row)
        if number is None:
            return None
        for other in self._book.sheetnames:
            if other != name and key in self._rows(other):
                rows.take_over(number, self._rows(other), key, ours=row)
                break
        return name, number

    def holding(self, key: str) -> Rows | None:
        """The list that the incident's row is in; None if it is in none."""
        lists = [sheet.title for sheet in self._book.worksheets]
        names = lists if self._column is not None else [name for name in lists if name == self._default]
        return next((rows for name in names if key in (rows := self._rows(name))), None)

    def _rows(self, name: str) -> Rows:
        if name not in self._made:
            known = {sheet.title: sheet for sheet in self._book.worksheets}  # charts are sheets without cells
            self._made[name] = Rows(known.get(name) or self._book.create_sheet(name), self._most)
        return self._made[name]

    def _name(self, row: Mapping[str, Scalar]) -> str:
        value = None if self._column is None else row.get(self._column)
        wished = "" if value is None else str(value).strip()
        if not wished:
            return self._default
        plain = tab_name(wished)
        taken = {title.casefold(): title for title in self._book.sheetnames}
        there = taken.get(plain.casefold())
        is_ours = there is None or (there == plain and self._is_list(plain))
        if plain == wished and is_ours and plain.casefold() != self._default.casefold():
            return plain
        return tab_name(wished, mark=hashlib.sha256(wished.encode("utf-8", "replace")).hexdigest()[:_MARK])

    def _is_list(self, title: str) -> bool:
        """A worksheet with our key, or an empty one; what people made for themselves under that name stays theirs."""
        sheet = next((sheet for sheet in self._book.worksheets if sheet.title == title), None)
        return sheet is not None and (self._rows(title).has_key or (sheet.max_row == 1 and sheet["A1"].value is None))


def tab_name(wished: str, mark: str = "") -> str:
    """The name as Excel takes it; `mark` goes behind it where the plain one is another's, or not what was wished."""
    clean = _FORBIDDEN.sub("-", ILLEGAL.sub("", wished).replace("\n", " ")).strip("' \t\r")
    if clean.casefold() in _RESERVED or not clean:
        clean = f"{clean} list".strip()
    ending = f" {mark}" if mark else ""
    room = LONGEST_NAME - len(ending)
    while len(clean.encode("utf-16-le")) // 2 > room:
        clean = clean[:-1]
    return clean.rstrip("' ") + ending
