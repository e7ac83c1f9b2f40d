"""What must hold between the files: teams, roles, people and destinations that one names are in the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from alerting_pipeline.domain.action_check import table_of
from alerting_pipeline.domain.contact import SIGN, AddressBook
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.destination import PARAMETER_SHEET, TABLE_SCHEMA, Destination, ad_hoc
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.problem import NOTE, Finding
from alerting_pipeline.domain.routing_tree import Branch, Match, RoutingTree
from alerting_pipeline.domain.system_override import SystemOverride

Way = tuple[str | int, ...]
_MISSPELT = 0.8
_ALWAYS_IN_A_ROW = ("alert", "severity", "owner")


def check_people(definition: Definition, people: People) -> Iterator[Finding]:
    """Teams and roles that a definition names must be in people.yaml."""
    yield from check_owner(definition.owner, people)
    for index, team in enumerate(definition.visible_to):
        yield from _known(("visible_to", index), f'"{team}"', team, people.teams, "a team in people.yaml", "AP201")
    if not isinstance(definition, AlertDefinition):
        return
    named: list[tuple[Way, str]] = []
    for name, parameter in definition.parameters.items():
        for key in ("changed_by", "approved_by"):
            named += [(("parameters", name, key, i), role) for i, role in enumerate(getattr(parameter, key))]
    for name, action in definition.actions.items():
        named += [(("actions", name, "roles", i), role) for i, role in enumerate(action.roles)]
    for at, role in named:
        yield from _known(at, f'role "{role}"', role, people.known_roles, "a role in people.yaml", "AP206")


def check_owner(owner: str, people: People) -> Iterator[Finding]:
    """An owner, of a definition or in defaults, is a team."""
    yield from _known(("owner",), f'owner "{owner}"', owner, people.teams, "a team in people.yaml", "AP201")


def check_destinations(
    definition: AlertDefinition | SystemOverride, destinations: Mapping[str, Destination], people: People | None
) -> Iterator[Finding]:
    """What `notify` and `write_back` name must be a destination, of the right channel, and find what it needs."""
    yield from _check_notify(definition.notify, destinations, people)
    if isinstance(definition, SystemOverride):
        return
    for index, entry in enumerate(definition.write_back):
        channel = "sheet" if entry.sheet else "table"
        of_channel = [name for name, known in destinations.items() if known.channel == channel]
        if entry.destination not in of_channel:
            remedy = did_you_mean(entry.destination, of_channel) or f"add it there with channel: {channel}"
            what = f'"{entry.destination}" is not a {channel} in destinations.yaml'
            yield Finding(("write_back", index, channel), what, remedy, code="AP206")
            continue
        tab_by = destinations[entry.destination].settings.get("tab_by")
        if tab_by is not None and tab_by not in (*definition.fields, *definition.entity, *_ALWAYS_IN_A_ROW):
            what = f"the sheet has a list per {tab_by}, which the rows of this alert do not hold"
            yield Finding(("write_back", index, channel), what, f"add {tab_by} to fields", code="AP314")
    yield from _check_writes(definition, destinations)


def _check_notify(
    notify: Sequence[str], destinations: Mapping[str, Destination], people: People | None
) -> Iterator[Finding]:
    """What `notify` names must be a destination."""
    for index, entry in enumerate(notify):
        if entry in destinations:
            yield from _takes_messages(("notify", index), destinations[entry])
            continue
        if ad_hoc(entry) is not None or entry.startswith(SIGN):
            yield from _destination(("notify", index), entry, destinations, people)
        else:
            remedy = did_you_mean(entry, destinations) or "write #channel, a mail address, or a name from that file"
            yield Finding(
                ("notify", index), f'"{entry}" is not a destination in destinations.yaml', remedy, code="AP206"
            )


def _check_writes(definition: AlertDefinition, destinations: Mapping[str, Destination]) -> Iterator[Finding]:
    """What an action writes goes to a table: one of that file, or one of the schema that may be written to."""
    for name, action in definition.actions.items():
        if action.write is None:
            continue
        at: Way = ("actions", name, "write", "table")
        table = table_of(action.write.table, destinations)
        known = destinations.get(table) or ad_hoc(table)
        if known is None:
            what = f'"{action.write.table}" is not a table of schema {TABLE_SCHEMA}, which alone may be written to'
            yield Finding(at, what, "write a name in lower snake_case, such as transaction_reviews", code="AP314")
        elif known.channel != "table":
            what = f'"{action.write.table}" is a {known.channel} in destinations.yaml, and actions write to tables'
            yield Finding(at, what, "name a table", code="AP314")


def check_routing(
    tree: RoutingTree, destinations: Mapping[str, Destination] | None, people: People | None
) -> Iterator[Finding]:
    """Destinations and owners that the tree names must exist; the fallback must reach an engineer."""
    if destinations is not None:
        for index, name in enumerate(tree.fallback):
            yield from _destination(("fallback", index), name, destinations, people)
        book = AddressBook(destinations, people or People())
        known = [found for name in tree.fallback for found in book.find(name, None).destinations]
        if known and not any(destination.audience == "engineering" for destination in known):
            what = "no destination of the fallback is for engineers"
            what += ", so failures that no branch takes stay in the local inbox"
            remedy = "add audience: engineering to one of them in destinations.yaml"
            yield Finding(("fallback",), what, remedy, severity="note", code=NOTE)
    yield from _check_branches((), tree.routes, destinations, people)
    for index, rule in enumerate(tree.inhibit):
        for side in ("source", "target"):
            yield from _check_match(("inhibit", index, side), getattr(rule, side), people)


def _check_branches(
    above: Way, branches: tuple[Branch, ...], destinations: Mapping[str, Destination] | None, people: People | None
) -> Iterator[Finding]:
    key = "children" if above else "routes"
    names: set[str] = set()
    for index, branch in enumerate(branches):
        at: Way = (*above, key, index)
        if branch.title in names:
            yield Finding(
                at, f'two branches here are "{branch.title}", so the second is never asked', "join them", code="AP402"
            )
        names.add(branch.title)
        if destinations is not None:
            for position, name in enumerate(branch.destinations):
                yield from _destination((*at, "destinations", position), name, destinations, people)
        yield from _check_match((*at, "match"), branch.match, people)
        yield from _check_branches(at, branch.children, destinations, people)


def _check_match(at: Way, match: Match, people: People | None) -> Iterator[Finding]:
    if people is not None:
        for index, team in enumerate(match.owner):
            yield from _known(
                (*at, "owner", index), f'owner "{team}"', team, people.teams, "a team in people.yaml", "AP201"
            )


def _destination(
    at: Way, name: str, destinations: Mapping[str, Destination], people: People | None
) -> Iterator[Finding]:
    if name.startswith(SIGN) and name not in destinations:
        if people is not None:
            known = [SIGN + who for who in (*people.people, *people.teams)]
            yield from _known(at, f'"{name}"', name, known, "a person or a team in people.yaml", "AP401")
            person = people.people.get(name.removeprefix(SIGN))
            if person is not None and person.slack is None and person.email is None:
                what = f"{name} can't be reached: neither slack nor email is stated"
                yield Finding(at, what, "give the person an address in people.yaml", code="AP407")
    elif ad_hoc(name) is not None and name not in destinations:
        if (hint := did_you_mean(name, destinations, _MISSPELT)) is not None:
            yield Finding(at, f'"{name}" is not in destinations.yaml', hint, severity="note", code=NOTE)
    else:
        yield from _known(at, f'"{name}"', name, destinations, "a destination in destinations.yaml", "AP206")
        if name in destinations:
            yield from _takes_messages(at, destinations[name])


def _takes_messages(at: Way, destination: Destination) -> Iterator[Finding]:
    if destination.channel == PARAMETER_SHEET:
        what = f'"{destination.name}" is a parameter sheet: people write there, and no message is taken'
        yield Finding(at, what, "name another destination", code="AP403")


def _known(at: Way, shown: str, name: str, known: Collection[str], what: str, code: str) -> Iterator[Finding]:
    if name not in known:
        names = ", ".join(sorted(known)[:12]) or "none"
        yield Finding(at, f"{shown} is not {what}", did_you_mean(name, known) or f"there are {names}", code=code)


def check_labels(tree: RoutingTree, known: Collection[str], columns: Collection[str]) -> Iterator[Finding]:
    """A branch that matches on a label which no definition has would never be taken: worth a note.

    `known` are the labels that files state, also those files that have an error; `columns` those of entities.
    """
    either = {*known, *columns}

    def walk(above: Way, branches: tuple[Branch, ...]) -> Iterator[Finding]:
        for index, branch in enumerate(branches):
            at: Way = (*above, "children" if above else "routes", index)
            for label in branch.match.labels:
                if label not in known:
                    remedy = did_you_mean(label, known) or "label a definition with it, or remove the branch"
                    way = (*at, "match", "labels", label)
                    yield Finding(way, f'no definition has the label "{label}"', remedy, severity="note", code=NOTE)
            for name in branch.match.named:
                if name not in either:
                    remedy = did_you_mean(name, either) or "label a definition with it, or remove the branch"
                    what = f'no definition has the label or column "{name}"'
                    yield Finding((*at, "match", "named", name), what, remedy, severity="note", code=NOTE)
            yield from walk(at, branch.children)

    return walk((), tree.routes)
