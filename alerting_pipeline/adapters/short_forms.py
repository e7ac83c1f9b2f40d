"""Shorter and other ways to write routing.yaml and people.yaml, turned into the one form that their models read.

Both are written by hand, once, by people who think in their own words: `match: {area: fraud}`, a rota that is just a
list, `until` instead of `to`. Each such form means one thing only. It is rewritten on the tree, where every value
keeps its place, so that problems are told at what was written, and the models stay strict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from alerting_pipeline.adapters.yaml_tree import Node
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.routing_tree import Match
from alerting_pipeline.domain.written import is_null

Entries = dict[str, tuple[Node, Node]]
Rewrite = Callable[[Node], Node]

_TREE = {
    "children": "routes",
    "destinations": "fallback",
    "default": "fallback",
    "inhibition": "inhibit",
    "inhibitions": "inhibit",
    "inhibition_rules": "inhibit",
    "inhibit_rules": "inhibit",
}
_BRANCH = {"routes": "children", "destination": "destinations"}
_RULE = {"source_match": "source", "target_match": "target"}
_PERSON = {"slack_id": "slack"}
_ABSENCE = {"until": "to"}
_TEAM = {"people": "members", "weekly_rota": "rota", "business_hours": "hours"}
_HOURS = {"start": "from", "end": "to", "until": "to"}
_MISSPELT = 0.8  # sevrity is like severity, but a label named service or area is like no key of a match
_MATCH_KEYS = frozenset(Match.model_fields) - {"named"}


def routing_tree(root: Node) -> Node:
    """routing.yaml in its one form: `routes`, `fallback` and `inhibit`, and each match with its labels apart."""
    if root.items is not None:
        root = _like(root, {"routes": (root, root)})
    if root.entries is None:
        return root
    entries = _respelled(root, _TREE)
    _within(entries, "routes", _each(_branch))
    _within(entries, "inhibit", _each(_rule))
    return _like(root, entries)


def people(root: Node) -> Node:
    """people.yaml in its one form: people, roles and teams as maps, each fact with whom it is about."""
    if root.entries is None:
        return root
    entries = dict(root.entries)
    _within(entries, "people", _by_name)
    for section, rewrite in (("people", _each(_person)), ("teams", _each(_team)), ("roles", _roles)):
        _within(entries, section, _filled)
        _within(entries, section, rewrite)
    _share_roles(entries)
    _share_teams(entries)
    return _like(root, entries)


def _branch(node: Node) -> Node:
    if node.entries is None:
        return node
    entries = _respelled(node, _BRANCH)
    _within(entries, "match", _match)
    _within(entries, "children", _each(_branch))
    return _like(node, entries)


def _rule(node: Node) -> Node:
    if node.entries is None:
        return node
    entries = _respelled(node, _RULE)
    for side in ("source", "target"):
        _within(entries, side, _match)
    return _like(node, entries)


def _match(node: Node) -> Node:
    """`business_hours: true | false | {…}`, and labels or columns that stand beside the other keys.

    A key that looks like a known one is left where it is: it is a misspelt one, and said to be unknown.
    """
    if node.entries is None:
        return node
    entries: Entries = {}
    named: Entries = {}
    for key, (head, value) in node.entries.items():
        if key == "business_hours":
            is_outside = value.value == "false"
            value = _like(value, {}) if value.value in ("true", "false") else value
            key = "outside_hours" if is_outside else "hours"
        if key in ("hours", "outside_hours"):
            entries[key] = (head, _like(value, _respelled(value, _HOURS)) if value.entries is not None else value)
        elif key in _MATCH_KEYS or value.entries is not None or did_you_mean(key, _MATCH_KEYS, _MISSPELT):
            entries[key] = (head, value)
        else:
            named[key] = (head, value)
    if named:
        entries["named"] = (next(iter(named.values()))[0], _like(node, named))
    return _like(node, entries)


def _person(node: Node) -> Node:
    if node.entries is None:
        return node
    entries = _respelled(node, _PERSON)
    _within(entries, "absences", _listed)
    _within(entries, "absences", _each(_absence))
    return _like(node, entries)


def _absence(node: Node) -> Node:
    return node if node.entries is None else _like(node, _respelled(node, _ABSENCE))


def _team(node: Node) -> Node:
    if node.items is not None:
        return _like(node, {"members": (node, node)})
    entries = _respelled(node, _TEAM)
    _within(entries, "rota", _rota)
    _within(entries, "hours", lambda hours: _like(hours, _respelled(hours, _HOURS)))
    return _like(node, entries)


def _rota(node: Node) -> Node:
    if node.items is not None:
        return _like(node, {"weekly": (node, node)})
    entries = dict(node.entries or {})
    _within(entries, "overrides", _listed)
    _within(entries, "overrides", _each(_absence))
    return _like(node, entries)


def _roles(node: Node) -> Node:
    entries = _as_keys(node) if node.items is not None else dict(node.entries or {})
    empty = {key: (head, _text(value, "")) for key, (head, value) in entries.items() if value.entries == {}}
    return _like(node, entries | empty)


def _filled(node: Node) -> Node:
    """A name with nothing after it is somebody or something of whom nothing more is said."""
    entries = node.entries or {}
    empty = {k: (head, _like(v, {})) for k, (head, v) in entries.items() if v.is_scalar and is_null(v.value)}
    return node if node.items is not None else _like(node, entries | empty)


def _share_roles(entries: Entries) -> None:
    """`roles: {risk-analyst: [ada]}` is said of each of them."""
    roles = entries["roles"][1].entries if "roles" in entries else None
    everybody = entries["people"][1].entries if "people" in entries else None
    for role, (head, holders) in (roles or {}).items():
        if holders.items is None or roles is None:
            continue
        roles[role] = (head, _text(holders, ""))
        for holder in holders.items:
            if everybody is not None and holder.value in everybody:
                _append(everybody[str(holder.value)][1], "roles", head)


def _share_teams(entries: Entries) -> None:
    """`teams` of a person is said of each team."""
    everybody = entries["people"][1].entries if "people" in entries else None
    for _, (name, person) in (everybody or {}).items():
        written = (person.entries or {}).pop("teams", None)
        if written is None:
            continue
        teams = entries.setdefault("teams", (written[0], _like(written[1], {})))[1].entries
        for team in _listed(written[1]).items or ():
            if teams is not None and team.value is not None:
                teams.setdefault(team.value, (team, _like(team, {})))
                _append(teams[team.value][1], "members", name)


def _append(node: Node, key: str, item: Node) -> None:
    """One more value in the list under `key`, unless it is in it."""
    if node.entries is None:
        return
    head, value = node.entries.get(key, (item, _list(item, [])))
    items = _listed(value).items or []
    if item.value not in [each.value for each in items]:
        node.entries[key] = (head, _list(value, [*items, item]))


def _by_name(node: Node) -> Node:
    """A list of people as a map, by `id` where there is one, otherwise by `name`."""
    if node.items is None:
        return node
    entries: Entries = {}
    for item in node.items:
        key = "id" if "id" in (item.entries or {}) else "name"
        if item.entries is None or key not in item.entries or item.entries[key][1].value is None:
            return node
        name = item.entries[key][1]
        rest = {other: pair for other, pair in item.entries.items() if other != "id"}
        entries[str(name.value)] = (name, _like(item, rest))
    return _like(node, entries)


def _as_keys(node: Node) -> Entries:
    return {str(item.value): (item, _text(item, "")) for item in node.items or () if item.value is not None}


def _each(rewrite: Rewrite) -> Rewrite:
    """The same for every item of a list, or every value of a map; a single value stays, and is said to be wrong."""

    def one(node: Node) -> Node:
        return node if node.is_scalar else rewrite(node)

    def rewritten(node: Node) -> Node:
        if node.items is not None:
            return _list(node, [one(item) for item in node.items])
        return _like(node, {key: (head, one(value)) for key, (head, value) in (node.entries or {}).items()})

    return rewritten


def _within(entries: Entries, key: str, rewrite: Rewrite) -> None:
    if key in entries:
        head, value = entries[key]
        entries[key] = (head, value if value.is_scalar else rewrite(value))


def _respelled(node: Node, spellings: Mapping[str, str]) -> Entries:
    """The entries under their one name; where both are written, the other one stays, and is said to be unknown."""
    written = node.entries or {}
    return {
        (spellings[key] if key in spellings and spellings[key] not in written else key): pair
        for key, pair in written.items()
    }


def _listed(node: Node) -> Node:
    return node if node.items is not None else _list(node, [node])


def _like(node: Node, entries: Entries) -> Node:
    return Node(node.source, node.start, node.end, entries=entries)


def _list(node: Node, items: Sequence[Node]) -> Node:
    return Node(node.source, node.start, node.end, items=list(items))


def _text(node: Node, value: str) -> Node:
    return Node(node.source, node.start, node.end, value=value)
