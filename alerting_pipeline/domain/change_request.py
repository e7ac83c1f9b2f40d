"""A request to change a parameter: what exactly is asked for, who may ask and approve, and whether it is still exact.

An approval is of one change and no other: alert, parameter, scope, old value, new value and window are hashed when it
is asked for. Whatever differs by the time it is decided (another value in force, other bounds, a parameter that is
gone) makes the request void, with the reason; nobody approves what they have not seen. All instants are business
instants.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.list_entry import LEFT_OUT
from alerting_pipeline.domain.parameters import Parameter, ParameterValue
from alerting_pipeline.domain.people import People

Scope = Literal["default", "segment", "entity", "entry"]
Status = Literal["open", "approved", "rejected", "expired", "withdrawn", "void"]

DEFINITION = "definition"
"""Who changed a value where the file did."""
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a value holds that a parameter had from the start: before whatever is evaluated."""
EXPIRES_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What can have one value at a time: a parameter's default, its value for a segment or entity, a list's entry."""

    alert: str
    parameter: str
    scope: Scope = "default"
    scope_value: str = ""

    def __str__(self) -> str:
        of = "" if self.scope == "default" else f" for {self.scope} {self.scope_value}"
        return f"{self.alert}.{self.parameter}{of}"


@dataclass(frozen=True, slots=True)
class Held:
    """A value on the timeline of its key, from the first instant up to, and without, the second."""

    value: str
    valid_from: datetime = ALWAYS
    valid_to: datetime | None = None
    changed_by: str = DEFINITION
    approved_by: str | None = None
    request_id: int | None = None
    value_id: int = 0
    type: str = "number"
    reason: str | None = None
    author: str | None = None

    def covers(self, at: datetime) -> bool:
        """Does it hold at that instant?"""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to change. `new` None: no value of its own any more; `starts_at` None: as soon as it is decided."""

    key: Key
    old: str | None
    new: str | None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def hash(self) -> str:
        """The same for exactly the same change."""
        window = [each.astimezone(UTC).isoformat() if each else None for each in (self.starts_at, self.ends_at)]
        key = self.key
        said = [key.alert, key.parameter, key.scope, key.scope_value, self.old, self.new, *window]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()

    def begins(self, now: datetime) -> datetime:
        """When it takes effect if it is decided now."""
        return now if self.starts_at is None else max(self.starts_at, now)


@dataclass(frozen=True, slots=True)
class Request:
    """A change that somebody asked for."""

    change: Change
    requested_by: str
    reason: str
    requested_at: datetime
    expires_at: datetime
    approvers: tuple[str, ...] = ()
    change_hash: str = ""
    status: Status = "open"
    reverts: int | None = None
    definition_version: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    answer: str | None = None
    request_id: int = 0

    @property
    def name(self) -> str:
        return f"Request {self.request_id}"


def check_role(person: str, roles: Sequence[str], people: People, now: datetime, what: str) -> None:
    """Raises AlertingError for somebody who has none of the roles, or has left. No role named: everybody may."""
    known = people.people.get(person)
    if known is None or known.has_left(now.date()):
        raise AlertingError(f"{person} may not {what}: that takes somebody who is here, by people.yaml.")
    if not roles or set(roles) & set(known.roles):
        return
    allowed = holders(roles, people, now)
    raise AlertingError(
        f"{person} may not {what}: that takes the role {' or '.join(roles)}; "
        f"ask {' or '.join(allowed) or 'for the role in people.yaml'}."
    )


def holders(roles: Sequence[str], people: People, now: datetime) -> list[str]:
    """Who has one of the roles and has not left, by short name."""
    return [
        name
        for name, person in people.people.items()
        if set(roles) & set(person.roles) and not person.has_left(now.date())
    ]


def check_scope(key: Key, parameter: Parameter) -> None:
    """Raises BadCall for a scope that the parameter can't have."""
    if key.scope == "entry" and parameter.type != "list":
        raise BadCall(f"{key.alert}.{key.parameter} is no list: it has no entries; write its new value")
    if key.scope == "default" and parameter.type == "list":
        raise BadCall(
            f"entries of the list {key} are changed one by one; write --add ENTRY or --remove ENTRY in place of a value"
        )
    if (
        key.scope not in ("default", "entry") and parameter.by is None
    ):  # no evaluation would read it: one value holds for all rows
        raise BadCall(
            f"{key.alert}.{key.parameter} has no values per segment or entity; "
            "name a column with `by:` in the definition, or change the default"
        )
    if key.scope != "default" and not key.scope_value:
        raise BadCall(f"name the {key.scope}: it is empty")
    if re.search(r"[\x00\ud800-\udfff]", key.scope_value):
        raise BadCall(f"the name of the {key.scope} contains a control character, or half of one; remove it")


def check_reason(reason: str, why: str) -> None:
    """Raises BadCall where nothing is said, or what no text can hold."""
    if not reason.strip():
        raise BadCall(f"say why with --reason: {why}")
    if re.search(r"[\x00\ud800-\udfff]", reason):
        raise BadCall("the reason contains a control character, or half of one; remove it")


def check_window(change: Change, now: datetime) -> None:
    """Raises BadCall for a time that is over, or ends before it begins."""
    if change.ends_at is not None and change.ends_at <= change.begins(now):
        raise BadCall(
            f"the change would end {_moment(change.ends_at)}, before it begins {_moment(change.begins(now))}; "
            "write a later end"
        )


def covering(timeline: Sequence[Held], at: datetime) -> Held | None:
    """What holds at that instant."""
    return next((each for each in timeline if each.covers(at)), None)


def standing_value(key: Key, held: Held | None) -> str | None:
    """What the value on the timeline says of the key; an entry that nobody put into the list is left out of it."""
    return held.value if held is not None else LEFT_OUT if key.scope == "entry" else None


def entry_change(change: Change, old: str | None, base: Held | None) -> Change:
    """An entry joins the list or leaves it. Raises AlertingError where it already did."""
    named, until = change.key.scope_value, base.valid_to if base is not None else None
    of = f"the list {change.key.alert}.{change.key.parameter}"
    if change.new == old == LEFT_OUT:
        raise AlertingError(f"{named} is not in {of}; there is nothing to take out.")
    if change.new == old:
        longer = "" if until is None else f" until {until:%Y-%m-%d %H:%M} UTC; to keep it longer, add it from then on"
        raise AlertingError(f"{named} is in {of} already{longer}.")
    if change.new == LEFT_OUT and until is not None:  # it would have left by then anyhow
        return replace(change, ends_at=until if change.ends_at is None else min(until, change.ends_at))
    return change


def obstacle(timeline: Sequence[Held], begins: datetime, ends: datetime | None) -> str | None:
    """Why no single value holds through the window now, so that a change of it would touch what else is planned."""
    base = covering(timeline, begins)
    if base is not None and base.valid_to is not None and (ends is None or base.valid_to < ends):
        return _planned(base.valid_to)
    later = [
        each.valid_from for each in timeline if begins < each.valid_from and (ends is None or each.valid_from < ends)
    ]
    return _planned(min(later)) if later else None


def same(parameter: Parameter, one: str | None, other: str | None) -> bool:
    """Are two stored texts the same value? 10000 and 10000.0 are."""
    if one is None or other is None or one == other:
        return one == other
    try:
        return parameter.stored(one) == parameter.stored(other)
    except ValueError:
        return False


def inexactness(request: Request, parameter: Parameter | None, timeline: Sequence[Held], now: datetime) -> str | None:
    """Why the request is not, or no longer, exactly what was asked for; None while it is."""
    change = request.change
    if change.hash != request.change_hash:
        return "it was edited after it had been asked for"
    if parameter is None:
        return f"{change.key.alert} has no parameter {change.key.parameter} any more"
    if change.ends_at is not None and change.ends_at <= now:
        return f"its time was over {_moment(change.ends_at)}"
    try:
        check_scope(change.key, parameter)
        if change.new is not None:
            parameter.check(parameter.stored(change.new))
    except (ValueError, AlertingError) as error:
        return f"the definition no longer allows it: {error}"
    begins = change.begins(now)
    base = covering(timeline, begins)
    standing = standing_value(change.key, base)
    if not same(parameter, standing, change.old):
        if change.key.scope == "entry":
            return f"meanwhile {change.key.scope_value} {'left' if standing == LEFT_OUT else 'joined'} the list"
        return f"it was asked for when {_value(change.old)} was in force, and {_value(standing)} is now"
    return obstacle(timeline, begins, change.ends_at)


def sentence(change: Change, unit: str | None = None) -> str:
    """What is to change, from which value to which."""
    if change.key.scope == "entry":
        does = "leaves" if change.new == LEFT_OUT else "joins"
        return f"{change.key.alert}.{change.key.parameter}: {change.key.scope_value} {does} the list"
    return f"{change.key}: {shown(change.old, unit)} becomes {shown(change.new, unit)}"


def shown(value: ParameterValue | str | None, unit: str | None = None) -> str:
    """A value for a sentence."""
    if value is None:
        return "no value of its own"
    text = value if isinstance(value, str) else Parameter.write(value)
    return f"{text} {unit}" if unit else text


def _value(stored: str | None) -> str:
    return shown(stored)


def _planned(at: datetime) -> str:
    return f"another value is planned from {_moment(at)}; let this one end by then, or revert that one first"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
