"""Whether whom a branch of routing.yaml leads to may hear of what it takes, and can be told from the rows it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.problem import Finding
from alerting_pipeline.domain.reach import columns_asked
from alerting_pipeline.domain.reading import shown_columns
from alerting_pipeline.domain.routing_tree import Branch, RoutingTree

Way = tuple[str | int, ...]
_SHOWN = 3


def check_receivers(tree: RoutingTree, book: AddressBook) -> Iterator[Finding]:
    """A branch that takes failures alone must lead to somebody who may be told of them."""

    def walk(above: Way, branches: tuple[Branch, ...], kinds: tuple[str, ...]) -> Iterator[Finding]:
        for at, branch in _placed(above, branches):
            taken = branch.match.kind or kinds
            places = [place for name in branch.destinations for place in book.find(name, None).destinations]
            is_for_failures = bool(taken) and "business" not in taken
            if is_for_failures and places and not any(place.audience == "engineering" for place in places):
                what = f'the branch "{branch.title}" takes {" and ".join(taken)} failures, and leads to nobody who may'
                what += " be told of them"
                remedy = "add audience: engineering to one of its destinations, or to its team in people.yaml"
                yield Finding((*at, "destinations"), what, remedy, code="AP408")
            yield from walk(at, branch.children, taken)

    return walk((), tree.routes, ())


def check_columns(
    tree: RoutingTree, definitions: Iterable[Definition | None], catalog: Catalog | None
) -> Iterator[Finding]:
    """A column that a branch asks for must be one that the incidents it takes hold. Where the model isn't known, that
    is not checked.
    """
    missing: dict[str, list[str]] = {}
    for definition in definitions:
        model = getattr(definition, "model", None)
        known = catalog.models.get(model) if catalog is not None and model is not None else None
        if not isinstance(definition, AlertDefinition) or known is None or not known.columns:
            continue
        for column in columns_asked(definition, tree) - {*shown_columns(definition, known.columns)}:
            missing.setdefault(column, []).append(definition.alert)
    for at, branch in _all((), tree.routes):
        alerts = missing.get(branch.to_column or "", [])
        if alerts:
            listed = ", ".join(alerts[:_SHOWN]) + (" …" if len(alerts) > _SHOWN else "")
            what = f'incidents of {listed} do not hold the column "{branch.to_column}", and may take this branch'
            yield Finding(
                (*at, "to_column"), what, "add it to the fields of the definition, or match narrower", code="AP203"
            )


def _all(above: Way, branches: tuple[Branch, ...]) -> Iterator[tuple[Way, Branch]]:
    for at, branch in _placed(above, branches):
        yield at, branch
        yield from _all(at, branch.children)


def _placed(above: Way, branches: tuple[Branch, ...]) -> Iterator[tuple[Way, Branch]]:
    for index, branch in enumerate(branches):
        yield (*above, "children" if above else "routes", index), branch
