"""The value of a spreadsheet's cell, exactly as people see it, or a sentence that says why it can't be taken so.

A spreadsheet keeps 15 digits of a number, makes dates of fractions and numbers of codes, hides decimals behind a
format, and strikes through a part of a text. Where what is held may differ from what was meant, the cell is refused.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.parameter_sheet import Exact

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.cell.cell import MergedCell

_DECIMALS: dict[str, int | None] = {
    "General": None, "@": None, "0": 0, "0.00": 2, "#,##0": 0, "#,##0.00": 2,
}  # fmt: skip
"""Formats that show a number as it is, and how many decimals they show (None: all)."""
_DIGITS = 15
_AS_TEXT = "format the cell as text, and write the value again"


def exact(cell: Cell | MergedCell) -> Exact | None:
    """The value; None for an empty cell. Raises BadCall with a sentence for what is not exactly what it shows."""
    value: Any = cell.value
    if value is None or (isinstance(value, str) and type(value) is str and not value.strip() and cell.data_type != "f"):
        return None
    if cell.data_type == "f" or type(value).__name__ in ("ArrayFormula", "DataTableFormula"):
        raise BadCall("the cell holds a formula; write the value itself")
    if cell.data_type == "e":
        raise BadCall(f"the cell holds the error {value}; write the value itself")
    if type(value).__name__ == "CellRichText":
        raise BadCall("a part of the text in the cell has a format of its own; write it anew without")
    if isinstance(value, datetime | date | time | timedelta):
        raise BadCall(f"the spreadsheet made a date or a time of it ({value}); {_AS_TEXT}")
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format))
    return str(value)


def _number(value: int | float, number_format: str) -> Decimal:
    number = Decimal(repr(value))
    if not number.is_finite():
        raise BadCall(f"the cell holds {value}, which is no finite number; write digits")
    digits = len(number.normalize().as_tuple().digits)
    if digits >= _DIGITS or number.copy_abs() >= Decimal(10) ** _DIGITS:
        raise BadCall(f"a spreadsheet keeps no more than {_DIGITS} digits of a number, and may have cut it; {_AS_TEXT}")
    if number_format not in _DECIMALS:
        raise BadCall(f"the format of the cell ({number_format}) shows another number than {number:f}; {_AS_TEXT}")
    shown = _DECIMALS[number_format]
    if shown is not None and number != round(number, shown):
        raise BadCall(f"the cell holds {number:f}, and its format ({number_format}) hides a part; {_AS_TEXT}")
    return number
