"""Where a definition's incidents may go, whatever their rows hold: the edges from an alert to its destinations.

Routing decides for one incident, by its severity, entity and hour. The lineage is drawn before there is one, so this
walk takes every branch that some incident of the definition could take. It errs on the side of drawing an edge.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.incident import Kind
from alerting_pipeline.domain.routing_tree import Branch, Match, RoutingTree


def reachable(definition: AlertDefinition, tree: RoutingTree, book: AddressBook) -> tuple[Destination, ...]:
    """The destinations that some incident of the definition could reach, write-back included, in order of name.

    For `@team` those are all whose turn on call it can be; whom a column names stands as one destination.
    """
    walk = _Walk(definition)
    leftover = walk.through(tree.routes)
    names = {*walk.reached, *definition.notify, *(entry.destination for entry in definition.write_back)}
    if leftover or walk.columns:  # a column may be empty
        names |= set(tree.fallback)
    found = {f"whoever {column} names": named_by(column) for column in walk.columns}
    found |= {place.name: place for name in sorted(names) for place in book.find(name, None).destinations}
    return tuple(found[name] for name in sorted(found))


def columns_asked(definition: AlertDefinition, tree: RoutingTree) -> frozenset[str]:
    """The columns by which branches that some incident of the definition could take say who hears of it."""
    walk = _Walk(definition)
    walk.through(tree.routes)
    return frozenset(walk.columns)


def named_by(column: str) -> Destination:
    """All those whom a column of rows names, as one destination: drawn, never sent to."""
    return Destination(name=f"whoever {column} names", channel="email")


@dataclass(slots=True)
class _Walk:
    """One walk of the tree. It keeps the severities apart: a branch for `critical` alone leaves the others over."""

    definition: AlertDefinition
    reached: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)

    def through(self, branches: tuple[Branch, ...], levels: frozenset[str] | None = None) -> frozenset[str]:
        """Collect what these branches reach for incidents of `levels`; returns the levels that may be left untaken."""
        searching = frozenset(level.level for level in self.definition.severity) if levels is None else levels
        untaken = searching
        for branch in branches:
            matching = searching & frozenset(branch.match.severity) if branch.match.severity else searching
            if not matching or not self._can_match(branch.match):
                continue
            passed_on = self.through(branch.children, matching)
            if passed_on and branch.leads_to:
                self.reached.update(branch.destinations)
                self.columns.update([branch.to_column] if branch.to_column is not None else [])
                passed_on = frozenset()
            if self._always_matches(branch.match):
                taken = matching - passed_on
                untaken -= taken
                searching = searching if branch.continue_ else searching - taken
        return untaken

    def _can_match(self, match: Match) -> bool:
        """Whether what is known of the definition allows it; what depends on the row or the hour may always hold."""
        labels = self.definition.labels
        known = (
            (match.alert, self.definition.alert),
            (match.kind, Kind.BUSINESS.value),
            (match.owner, self.definition.owner),
            *((wanted, labels.get(label)) for label, wanted in match.labels.items()),
            *((wanted, labels[name]) for name, wanted in match.named.items() if name in labels),
        )
        return all(not wanted or actual in wanted for wanted, actual in known)

    def _always_matches(self, match: Match) -> bool:
        is_by_row = match.entity or not match.named.keys() <= self.definition.labels.keys()
        return not is_by_row and match.hours is None and match.outside_hours is None
