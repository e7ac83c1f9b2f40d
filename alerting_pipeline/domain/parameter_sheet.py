"""A sheet in which people type new values for parameters: its rows, what was typed there, and what is answered.

A row stands for one value: the alert, the parameter, and what it is for. People type in three cells of it; the cell
beside them says what became of that. What is typed is taken exactly as it stands or refused with a sentence: a
spreadsheet makes dates, binary fractions and fewer digits of what people type. A name in a cell proves nothing, so it
only ever asks: that somebody else approves is what makes it safe.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, get_args

from alerting_pipeline.domain.change_request import Key, Request, Scope
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.parameters import Parameter

ALERT, PARAMETER, SCOPE, FOR = "alert", "parameter", "scope", "for"
IN_FORCE, NEW_VALUE, REASON, PERSON, ANSWER = "in force", "new value", "reason", "person", "answer"
IDENTITY = (ALERT, PARAMETER, SCOPE, FOR)
TYPED = (NEW_VALUE, REASON, PERSON)
COLUMNS = (*IDENTITY, "unit", "minimum", "maximum", "step", IN_FORCE, *TYPED, ANSWER)
NEEDED = (*IDENTITY, IN_FORCE, *TYPED, ANSWER)
"""Without these columns a sheet can't be read; the others may be deleted."""
ADD, REMOVE = "add", "remove"
"""What is typed for an entry of a list."""

Cells = Mapping[str, str]
Exact = str | Decimal | bool


class SheetUnusable(AlertingError):
    """The sheet can't be read or written now; the sentence says what to do. Nothing else waits for it."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row as it was read. `written` is the new value, None where its cell is empty; `wrong` says why what stands in
    the row can't be taken.
    """

    number: int
    key: Key | None
    shown: str = ""
    written: Exact | None = None
    reason: str = ""
    person: str = ""
    wrong: str = ""

    @property
    def is_typed(self) -> bool:
        """Does somebody ask for something here?"""
        return self.written is not None or bool(self.wrong)

    @property
    def content_hash(self) -> str:
        """The same for exactly the same being typed."""
        kind = type(self.written).__name__
        said = json.dumps([kind, str(self.written), self.reason, self.person, self.wrong], ensure_ascii=True)
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed in a row of a sheet, as the ledger notes it."""

    sheet: str
    key: Key
    content_hash: str
    person: str
    written: str


@dataclass(frozen=True, slots=True)
class Noted:
    """What the ledger knows of a row: the request that it became, or why it became none."""

    content_hash: str
    refusal: str | None = None
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """One row that was looked at. `is_new`: it was proposed, or refused, by this very reading."""

    key: Key | None
    row: int
    answer: str
    is_new: bool = False
    request_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class ParameterSheet(Protocol):
    """A sheet, wherever it is kept. Both raise SheetUnusable; people may change it between the two."""

    @property
    def name(self) -> str: ...

    def rows(self) -> list[SheetRow]: ...

    def rewrite(self, cells_of: Callable[[SheetRow], Cells], lines: Mapping[Key, Cells]) -> int:
        """Ask for each row, as it stands then, which cells to write, and add a row for each line that has none.
        Returns how many rows were changed; none is written where nothing changes.
        """
        ...


def key_of(alert: str, parameter: str, scope: str, scope_value: str) -> Key:
    """The key that a row names. Raises BadCall for one that there can't be."""
    scope = scope or "default"
    if not alert or not parameter:
        raise BadCall(f"the row names no {'parameter' if alert else 'alert'}; fill it in, or empty the row")
    if scope not in get_args(Scope):
        raise BadCall(f'scope "{scope}" is not one of {", ".join(get_args(Scope))}; write one of them')
    if scope == "default" and scope_value:
        raise BadCall(f'scope default is for everything, and the column "{FOR}" says {scope_value}; empty it')
    return Key(alert, parameter, scope, scope_value)  # type: ignore[arg-type]  # it is one of them


def written_for(parameter: Parameter, key: Key, value: Exact) -> str | None:
    """What to propose for a cell. Raises BadCall for a kind of cell that may show something else than it holds."""
    if key.scope == "entry":
        if value not in (ADD, REMOVE):
            raise BadCall(f'the new value of an entry is "{ADD}" or "{REMOVE}"')
        return key.scope_value if value == ADD else None
    if isinstance(value, bool):
        if parameter.type != "boolean":
            raise BadCall(f"the cell holds a boolean, and {key} is a {parameter.type}; write the value as text")
        return "true" if value else "false"
    if isinstance(value, Decimal):
        if parameter.type in ("text", "list"):
            raise BadCall(f"the cell holds a number, and {key} is a {parameter.type}; format the cell as text first")
        return format(value, "f")
    return value


def answer_of(noted: Noted, waits_for: Callable[[Request], list[str]]) -> str:
    """What the cell beside what was typed says."""
    request = noted.request
    if request is None:
        return f"refused: {noted.refusal}"
    number, why = request.request_id, f": {request.answer}" if request.answer else ""
    if request.status == "open":
        who = " or ".join(waits_for(request)) or " or ".join(request.approvers)
        return f"request {number} waits for approval by {who}, until {request.expires_at:%Y-%m-%d}"
    if request.status == "approved":
        return f"request {number} is approved{f' by {request.decided_by}' if request.decided_by else ''}"
    by = f" by {request.decided_by}" if request.decided_by else ""
    return f"request {number} is {request.status}{by}{why}"
