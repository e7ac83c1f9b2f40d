"""Whether the values that the ledger holds are such as could have been set: no row that was written by hand silences.

Postgres takes NaN, Infinity, 0x10 and 1_000 for numbers, and a limit of NaN is exceeded by nothing. So an alert is not
evaluated with a value that its own parameter would refuse: that is an error, which holds its incidents and is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from alerting_pipeline.domain.change_request import Key
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.list_entry import LEFT_OUT
from alerting_pipeline.domain.parameters import Parameter, list_items


class StoredValue(NamedTuple):
    """A row of the ledger that holds now."""

    key: Key
    type: str
    value: str


def wrong_value(definition: AlertDefinition, values: Iterable[StoredValue]) -> AlertingError | None:
    """The first value that can't be in force, as a sentence with the remedy; None where all can."""
    for stored in values:
        parameter = definition.parameters.get(stored.key.parameter)
        if parameter is None:
            continue
        if (why := _refusal(parameter, stored)) is not None:
            return AlertingError(
                f"{stored.key} can't have the value that the ledger holds: {why}. Set another one with "
                "`alerting parameters propose`; `alerting parameters history` shows where it came from."
            )
    return None


def _refusal(parameter: Parameter, stored: StoredValue) -> str | None:
    if stored.type != parameter.type:
        return f"it is written as {stored.type}, and the parameter is a {parameter.type}"
    if stored.key.scope == "entry":
        is_one = stored.value == LEFT_OUT or list_items(stored.value) == (stored.key.scope_value,)
        return None if is_one else "it is not the entry that its row names"
    try:
        parameter.check(parameter.stored(stored.value))
    except ValueError as error:
        return str(error)
    return None
