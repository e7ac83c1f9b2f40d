"""Routing: the decision tree of routing.yaml, walked for one incident; it says where to, by which branch, and why.

A branch that matches asks its children first; the first child that takes the incident ends the search among its
siblings, unless it says `continue`. A branch whose children all pass keeps the incident itself if it names somebody:
destinations, people, or a column of the row that says whom. What no branch takes goes to the fallback, and what nobody
may receive to the local inbox, so nothing is told to nobody. Data and system failures reach only destinations whose
audience is engineering, whatever the branches say: a business recipient can't act on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.destination import INBOX, Destination
from alerting_pipeline.domain.incident import Incident, Kind
from alerting_pipeline.domain.routing_tree import Branch, Match, RoutingTree
from alerting_pipeline.domain.telling import Telling

__all__ = ["Considered", "Facts", "Routed", "mismatch", "route"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What routing may look at. `entity` holds the entity columns, and any other column known of the row."""

    alert: str
    kind: Kind
    severity: str
    owner: str
    labels: Mapping[str, str] = field(default_factory=dict)
    entity: Mapping[str, str | None] = field(default_factory=dict)
    at: datetime | None = None

    @classmethod
    def of(cls, incident: Incident, at: datetime | None = None) -> Facts:
        """Those of an incident, at an instant; None: when it was opened."""
        columns = {name: None if value is None else str(value) for name, value in incident.fields.items()}
        return cls(
            alert=incident.alert,
            kind=Kind(incident.kind),
            severity=incident.severity,
            owner=incident.owner,
            labels=incident.labels,
            entity={**columns, **incident.entity},
            at=at or incident.opened_at,
        )


@dataclass(frozen=True, slots=True)
class Considered:
    """One branch that was looked at: its path in the tree, whether it matched, and why."""

    path: str
    matched: bool
    why: str


@dataclass(frozen=True, slots=True)
class Routed:
    """Where an incident goes. `path` names the branches that took it; `reasons` has one line per destination."""

    destinations: tuple[Destination, ...]
    path: tuple[str, ...]
    reasons: tuple[str, ...]
    considered: tuple[Considered, ...]
    tellings: Mapping[str, Telling] = field(default_factory=dict)

    def telling(self, destination: str) -> Telling:
        """How the destination is told, as the first branch that leads there says."""
        return self.tellings.get(destination, Telling())


def route(
    facts: Facts,
    tree: RoutingTree,
    book: AddressBook,
    *,
    notify: Iterable[str] = (),
    write_back: Iterable[str] = (),
) -> Routed:
    """Walk the tree for one incident; `notify` and `write_back` are the definition's own entries.

    `@name` is a person, or whoever is on call for a team at `facts.at`. Names that are in no file are left out here;
    `alerting validate` is where they are errors.
    """
    considered: list[Considered] = []
    taken = _walk(tree.routes, ("", Telling()), facts, considered)
    chosen = [(name, f'by branch "{path}"') for path, branch, _ in taken for name in branch.destinations]
    barred: list[str] = []
    for path, branch, _ in taken:
        if branch.to_column is not None:
            value = facts.entity.get(branch.to_column)
            name = book.named_by(value)
            chosen += [(name, f'by branch "{path}", column {branch.to_column}')] if name is not None else []
            barred += [] if name is not None else [_nobody(branch.to_column, value)]
    if facts.kind is Kind.BUSINESS:
        chosen += [(name, "named in notify") for name in notify]
        chosen += [(name, "named in write_back") for name in write_back]
    allowed: dict[str, tuple[Destination, str]] = {}
    for destination, why in _resolved(chosen, book, facts.at):
        if destination.name in allowed:
            continue
        if not may_receive(destination, facts.kind):
            barred.append(f"not {destination.name}: {facts.kind.value} failures go to engineers only")
            continue
        allowed[destination.name] = (destination, why)
    if not taken or not allowed:
        why = "fallback: no branch took it" if not taken else "fallback: no destination was left"
        for destination, said in _resolved([(name, why) for name in tree.fallback], book, facts.at):
            if may_receive(destination, facts.kind) and destination.name not in allowed:
                allowed[destination.name] = (destination, said)
    if not allowed:
        allowed[INBOX.name] = (INBOX, "nobody else may be told of it")
    return Routed(
        destinations=tuple(destination for destination, _ in allowed.values()),
        path=tuple(path for path, _, _ in taken) or ("fallback",),
        reasons=tuple(f"{name}: {why}" for name, (_, why) in allowed.items()) + tuple(dict.fromkeys(barred)),
        considered=tuple(considered),
        tellings=_tellings(taken, facts, book),
    )


def _tellings(taken: list[tuple[str, Branch, Telling]], facts: Facts, book: AddressBook) -> dict[str, Telling]:
    """How each destination is told: the first branch that leads there says so."""
    found: dict[str, Telling] = {}
    for _, branch, telling in taken if any(telling != Telling() for _, _, telling in taken) else ():
        named = book.named_by(facts.entity.get(branch.to_column)) if branch.to_column is not None else None
        for name in (*branch.destinations, *((named,) if named is not None else ())):
            for destination in book.find(name, facts.at).destinations:
                found.setdefault(destination.name, telling)
    return found


def _resolved(
    chosen: Iterable[tuple[str, str]], book: AddressBook, at: datetime | None
) -> Iterator[tuple[Destination, str]]:
    """The destinations that names stand for at that instant, each with why it is one."""
    for name, why in chosen:
        reached = book.find(name, at)
        for destination in reached.destinations:
            yield destination, f"{why}: {name}, {reached.why}" if reached.why else why


def _nobody(column: str, value: str | None) -> str:
    if value is None or not value.strip():
        return f"nobody by column {column}: it is {'not known' if value is None else 'empty'}"
    return f"nobody by column {column}: what it holds is neither a mail address nor a person in people.yaml"


def may_receive(destination: Destination, kind: Kind) -> bool:
    return kind is Kind.BUSINESS or destination.audience == "engineering"


def _walk(
    branches: tuple[Branch, ...], inherited: tuple[str, Telling], facts: Facts, considered: list[Considered]
) -> list[tuple[str, Branch, Telling]]:
    taken: list[tuple[str, Branch, Telling]] = []
    above = inherited[0]
    for branch in branches:
        path, telling = f"{above} / {branch.title}" if above else branch.title, branch.telling(inherited[1])
        fails = mismatch(branch.match, facts)
        considered.append(Considered(path, fails is None, fails or branch.match.described()))
        if fails is not None:
            continue
        inner = _walk(branch.children, (path, telling), facts, considered)
        if not inner and branch.leads_to:
            inner = [(path, branch, telling)]
        taken += inner
        if inner and not branch.continue_:
            break
    return taken


def mismatch(match: Match, facts: Facts) -> str | None:
    """The first reason why a branch does not match; None if it does."""
    simple = (
        ("alert", match.alert, facts.alert),
        ("kind", match.kind, facts.kind.value),
        ("severity", match.severity, facts.severity),
        ("owner", match.owner, facts.owner),
    )
    for name, wanted, actual in simple:
        if wanted and actual not in wanted:
            return f"{name} is {actual}, not {' or '.join(wanted)}"
    either = {**facts.entity, **facts.labels}
    for kind, wanted_of, actual_of in (
        ("label ", match.labels, facts.labels),
        ("column ", match.entity, facts.entity),
        ("", match.named, either),
    ):
        for name, wanted in wanted_of.items():
            actual = actual_of.get(name)
            if actual is None or actual not in wanted:
                shown = "not known" if actual is None else actual
                return f"{kind}{name} is {shown}, not {' or '.join(wanted)}"
    if match.hours is not None and (facts.at is None or not match.hours.include(facts.at)):
        return f"it is outside {match.hours.described()}"
    if match.outside_hours is not None and (facts.at is None or match.outside_hours.include(facts.at)):
        return f"it is inside {match.outside_hours.described()}"
    return None
