"""Which columns of an incident's row changed since it was last written: what keeps sheets and tables up to date.

People are told of material changes alone. A row shows what holds now, and a list per manager must not keep an account
that has another manager: so a row is written again when a column that it shows changed, however little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from alerting_pipeline.domain.definition import AlertDefinition


def row_columns(definition: AlertDefinition, columns: Iterable[str]) -> tuple[str, ...]:
    """Those among the model's columns that a row of the definition shows: as a field, in its texts, or as deviance."""
    words = {*re.findall(r"\w+", f"{definition.summary} {definition.link}"), *definition.fields}
    if definition.deviance:
        words |= {definition.deviance.value, definition.deviance.limit}
    return tuple(name for name in columns if name in words and name not in definition.parameters)


def changed_columns(stored: Mapping[str, Any], seen: Mapping[str, Any], columns: Iterable[str]) -> tuple[str, ...]:
    """The columns that hold something else than the ledger kept. The store asks the same in SQL."""
    return tuple(name for name in columns if not _is_same(stored.get(name), seen.get(name)))


def _is_same(stored: Any, seen: Any) -> bool:
    """The ledger keeps a number as a double where that holds its digits, as text where it would lose some."""
    if isinstance(stored, list) and isinstance(seen, list):
        return len(stored) == len(seen) and all(map(_is_same, stored, seen))
    if isinstance(stored, dict) and isinstance(seen, dict):
        return stored.keys() == seen.keys() and all(_is_same(value, seen[name]) for name, value in stored.items())
    if _is_number(stored) and _is_number(seen):
        return Decimal(str(stored)) == Decimal(str(seen))
    if isinstance(seen, Decimal):
        return stored == str(seen)
    return type(stored) is type(seen) and stored == seen


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
