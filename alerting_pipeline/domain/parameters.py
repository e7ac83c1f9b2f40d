"""Parameters: typed, bounded values of a definition that business users may change; a threshold is one.

Every path on which a value can arrive (a file, the command line, a form, Slack) goes through `Parameter.read`, so a
value that would silence an alert (NaN, Infinity, 1e400) or be read differently by somebody else (0x10, 1_000, 010) is
refused in the same words everywhere. What is in force is stored as text, which is what `read` returns.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, PrivateAttr, field_serializer, model_validator

from alerting_pipeline.domain.grid import Grid
from alerting_pipeline.domain.list_entry import ListEntry, list_entries
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.relative import Relative
from alerting_pipeline.domain.written import (
    Strict,
    Text,
    Texts,
    duration,
    duration_text,
    flag,
    integer,
    is_null,
    number,
    text,
    text_list,
)

ParameterType = Literal["number", "integer", "duration", "text", "boolean", "choice", "list"]
ParameterValue = Decimal | int | timedelta | str | bool | tuple[str, ...]
_BOUNDED = ("number", "integer", "duration")
_LONGEST_TEXT = 500
_WITHIN = "write a value within the bounds"
_SQL_TYPES = {
    "number": "numeric",
    "integer": "bigint",
    "duration": "interval",
    "text": "text",
    "choice": "text",
    "boolean": "boolean",
    "list": "text[]",
}


class Parameter(Strict):
    """One parameter of a definition, with its bounds, its values per segment, and who may change it."""

    type: ParameterType = Field(default="number", description="What kind of value it is; a number if nothing is said.")
    unit: Text | None = Field(default=None, description="The unit that people read beside the value, such as USD.")
    default: Any = Field(
        description="The value in force where no segment or entity has its own. An entry of a list is a text, or says "
        "more: {value: r7, until: 2026-03-01, reason: new compressor, author: ada}."
    )
    minimum: Any = Field(default=None, description="The least value that may be set.")
    maximum: Any = Field(default=None, description="The greatest value that may be set.")
    step: Any = Field(
        default=None,
        description="Values lie so far apart, from the minimum on, or from 0 where there is none: 500, or 15m.",
    )
    relative: Relative | None = Field(
        default=None,
        description="What the value is relative to, by columns that dbt computed: {to: median_28d} for a share of it.",
    )
    choices: Texts = Field(default=(), description="For type choice: the values that may be picked.")
    by: Text | None = Field(default=None, description="A column; each of its values may have its own value.")
    values: dict[Text, Any] = Field(default_factory=dict, description="Values per segment: {premium: 50000}.")
    changed_by: Texts = Field(default=(), description="Roles that may propose a new value.")
    approved_by: Texts = Field(default=(), description="Roles that must approve it (four eyes); empty: none.")
    description: Text | None = Field(default=None, description="What the value means, for the person changing it.")
    _entries: tuple[ListEntry, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _typed_and_in_bounds(self) -> Parameter:
        """Read every written value by the parameter's type; nothing outside the bounds may be in the file itself."""
        if self.type == "choice" and not self.choices:
            raise Mistake("AP112", "a parameter of type choice needs choices: [a, b]")
        if self.type != "choice" and self.choices:
            raise Mistake("AP112", "choices belong to a parameter of type choice; set type: choice or remove them")
        for bound in ("minimum", "maximum", "step"):
            written = getattr(self, bound)
            if is_null(written):
                object.__setattr__(self, bound, None)
                continue
            if self.type not in _BOUNDED:
                raise Mistake("AP112", f"{bound} has no meaning for type {self.type}; remove it")
            object.__setattr__(self, bound, self._typed(written, bound))
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise Mistake(
                "AP107",
                f"minimum {self.write(self.minimum)} is greater than maximum {self.write(self.maximum)}; swap them",
            )
        self._check_step()
        self._check_relative()
        if is_null(self.default):
            raise Mistake("AP103", "default has no value; write the value that holds where nothing else is set")
        if self.type == "list":
            self._entries = self._read_entries(self.default)
            object.__setattr__(self, "default", tuple(entry.value for entry in self._entries))
        object.__setattr__(self, "default", self.read(self.default, name="default"))
        if self.values and self.by is None:
            raise Mistake("AP112", "values per segment need by: the column that names the segment")
        read = {segment: self.read(value, name=f"values.{segment}") for segment, value in self.values.items()}
        object.__setattr__(self, "values", read)
        return self

    @field_serializer("minimum", "maximum", "step", "values", when_used="json")
    def _as_written(self, value: Any) -> Any:
        """A form that `read` takes back: the ledger keeps definitions as JSON."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, dict):
            return {segment: self._as_written(item) for segment, item in value.items()}
        return list(value) if isinstance(value, tuple) else self.write(value)

    @field_serializer("default", when_used="json")
    def _default_as_written(self, value: Any) -> Any:
        return [entry.written for entry in self._entries] if self.type == "list" else self._as_written(value)

    @property
    def entries(self) -> tuple[ListEntry, ...]:
        """For type list: what the file states, each with its end, reason and author."""
        return self._entries

    def entry(self, value: str) -> ListEntry | None:
        """The entry that the file states, if it states it."""
        return next((each for each in self._entries if each.value == value), None)

    @property
    def sql_type(self) -> str:
        """The Postgres type to which the stored text of a value is cast."""
        return _SQL_TYPES[self.type]

    def read(self, written: Any, *, name: str = "value") -> ParameterValue:
        """The typed value of what somebody wrote, inside the bounds. Mistake is a sentence with the remedy."""
        return self.check(self._typed(written, name), name=name)

    def stored(self, text: str) -> ParameterValue:
        """The typed value of a stored text, whatever the bounds say now. Mistake if the type can't hold it."""
        return self._typed(list_items(text) if self.type == "list" else text, "value")

    def check(self, value: ParameterValue, *, name: str = "value") -> ParameterValue:
        """The typed value itself, if it lies within the bounds. Mistake is a sentence with the remedy."""
        if self.minimum is not None and value < self.minimum:  # type: ignore[operator]  # bounds are of the same type
            raise Mistake(
                "AP107", f"{name} {self.write(value)} is under the minimum of {self.write(self.minimum)}; {_WITHIN}"
            )
        if self.maximum is not None and value > self.maximum:  # type: ignore[operator]  # bounds are of the same type
            raise Mistake(
                "AP107", f"{name} {self.write(value)} is over the maximum of {self.write(self.maximum)}; {_WITHIN}"
            )
        if self.relative is not None and (why := self.relative.refusal(Decimal(value))) is not None:  # type: ignore[arg-type]
            raise Mistake("AP107", f"{name} {self.write(value)} {why}")
        if (grid := self.grid) is not None and not grid.has(value):  # type: ignore[arg-type]  # a step is of a number
            near = " or ".join(self.write(each) for each in grid.around(value))  # type: ignore[arg-type]
            raise Mistake(
                "AP118", f"{name} {self.write(value)} is off the step of {self.write(self.step)}; write {near}"
            )
        return value

    @property
    def grid(self) -> Grid | None:
        """Which values may be set, where a step is said."""
        return None if self.step is None else Grid(self.step, self.minimum, self.maximum)

    def nearest(self, value: Decimal | int | timedelta) -> Decimal | int | timedelta:
        """The value that may be set and is nearest: within the bounds, and on the step; of two, the lesser."""
        if self.minimum is not None:
            value = max(value, self.minimum)
        if self.maximum is not None:
            value = min(value, self.maximum)
        if self.relative is not None and self.relative.quantiles:
            value = min(sorted(self.relative.quantiles), key=lambda each: abs(each - Decimal(value)))  # type: ignore[arg-type]
        return value if self.grid is None else self.grid.nearest(value)

    @staticmethod
    def write(value: ParameterValue) -> str:
        """The one text form of a typed value: it is stored, compared and cast by Postgres to `sql_type`."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, timedelta):
            return duration_text(value)
        if isinstance(value, tuple):
            return "{" + ",".join(_array_item(item) for item in value) + "}"
        return format(value, "f") if isinstance(value, Decimal) else str(value)

    def _read_entries(self, written: Any) -> tuple[ListEntry, ...]:
        try:
            entries = list_entries(written)
            for entry in entries:
                for said in (entry.reason, entry.author):
                    _checked_text(said or "")
        except Mistake as problem:
            raise Mistake(problem.code, f"default {problem}") from None
        return entries

    def _check_step(self) -> None:
        if self.step is None:
            return
        if not self.step > type(self.step)(0):
            raise Mistake("AP107", f"step {self.write(self.step)} is not above 0; write one such as 10, or remove it")
        if self.minimum is not None and self.maximum is not None and self.step > self.maximum - self.minimum:
            raise Mistake(
                "AP107",
                f"step {self.write(self.step)} is greater than all that lies between the minimum and the maximum; "
                "write a smaller one",
            )

    def _check_relative(self) -> None:
        if self.relative is None:
            return
        if self.type not in ("number", "integer"):
            raise Mistake("AP112", f"relative has no meaning for type {self.type}; it is for a number")
        if self.relative.quantiles and self.type != "number":
            raise Mistake("AP112", "a quantile is no whole number; write type: number")
        if self.unit is not None and re.fullmatch(r"[A-Z]{3}", self.unit):
            raise Mistake(
                "AP112",
                f"unit {self.unit} is one of money, and the value is relative; name its own unit, such as times",
            )

    def _typed(self, written: Any, name: str) -> ParameterValue:
        try:
            return self._read_type(written)
        except Mistake as problem:
            raise Mistake(problem.code, f"{name} {problem}") from None

    def _read_type(self, written: Any) -> ParameterValue:
        if self.type == "number":
            return number(written)
        if self.type == "integer":
            return integer(written)
        if self.type == "duration":
            return duration(written)
        if self.type == "boolean":
            return flag(written)
        if self.type == "list":
            return tuple(_checked_text(item) for item in text_list(written))
        value = _checked_text(text(written))
        if self.type == "choice" and value not in self.choices:
            raise Mistake("AP105", f'"{value}" is not one of {", ".join(self.choices)}; write one of them')
        return value


def list_items(stored: str) -> tuple[str, ...]:
    """The items of a list as it is stored, or as Postgres writes an array, which quotes only what needs it."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,"]+)', stored[1:-1], re.DOTALL)
    return tuple(bare or re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) for quoted, bare in found)


def _checked_text(value: str) -> str:
    if len(value) > _LONGEST_TEXT:
        raise Mistake("AP110", f"is longer than {_LONGEST_TEXT} characters; shorten it")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", value):
        raise Mistake("AP110", "contains a control character, or half of one; remove it")
    return value


def _array_item(item: str) -> str:
    return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'
