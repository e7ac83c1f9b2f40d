"""What must hold between a data definition and its model: names of columns, of expectations and of checks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.condition_types import kind_of_type
from alerting_pipeline.domain.data_definition import FRESHNESS, SCHEMA, VOLUME, DataDefinition
from alerting_pipeline.domain.definition_check import check_column, check_link
from alerting_pipeline.domain.expectation import columns_of, label
from alerting_pipeline.domain.expectation_check import check_expectation
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Finding


def check_data(definition: DataDefinition, catalog: Catalog | None) -> Iterator[Finding]:
    """Everything that can be told without data; any model of the project may be meant, not only marts."""
    columns = None
    if catalog is not None:
        model = catalog.models.get(definition.model)
        if model is None:
            remedy = did_you_mean(definition.model, catalog.models) or "name a model of the dbt project"
            yield Finding(("model",), f'"{definition.model}" is not a model of the dbt project', remedy, code="AP202")
        else:
            columns = model.columns or None
    yield from _check_columns(definition, columns)
    for index, expectation in enumerate(definition.expectations):
        yield from check_expectation(("expectations", index), expectation, columns)
        ((name, arguments),) = expectation.items()
        for way, column in columns_of(arguments):
            if isinstance(column, str):
                yield from check_column(("expectations", index, name, *way), column, columns)
    if not _names(definition):
        yield Finding(
            ("alert",), "the definition expects nothing", "add freshness, volume, schema or expectations", code="AP313"
        )
    yield from check_link(definition.link)
    yield from _check_cases(definition, columns)


def is_named(written: str, check: str) -> bool:
    """Does a case mean this check? An expectation may be named without its columns."""
    return written == check or check.startswith(f"{written}(")


def _check_columns(definition: DataDefinition, columns: Mapping[str, str] | None) -> Iterator[Finding]:
    if definition.freshness is not None:
        yield from check_column(("freshness", "column"), definition.freshness.column, columns)
        yield from _check_is_time(("freshness", "column"), definition.freshness.column, columns)
    if definition.volume is not None:
        yield from check_column(("volume", "column"), definition.volume.column, columns)
        if definition.volume.per == "day":
            yield from _check_is_time(("volume", "column"), definition.volume.column, columns)
    for column in definition.schema_.columns if definition.schema_ is not None else ():
        yield from check_column(("schema", "columns", column), column, columns)


def _check_is_time(at: tuple[str, str], column: str, columns: Mapping[str, str] | None) -> Iterator[Finding]:
    """A column whose declared type is no time; without a declared type, the evaluation says so."""
    kind = kind_of_type((columns or {}).get(column, ""))
    if kind is not None and kind != "time":
        yield Finding(
            at, f'{".".join(at)} "{column}" is a {kind}, not a time', "name a column that holds a time", code="AP207"
        )


def _check_cases(definition: DataDefinition, columns: Collection[str] | None) -> Iterator[Finding]:
    known, names = _names(definition), set[str]()
    for index, case in enumerate(definition.cases):
        if case.name in names:
            what = f'there are two cases named "{case.name}"'
            yield Finding(("cases", index, "name"), what, "rename one of them", code="AP113")
        names.add(case.name)
        for place, written in enumerate(case.failing):
            if not any(is_named(written, check) for check in known):
                remedy = did_you_mean(written, known) or f"it has {', '.join(known)}"
                yield Finding(
                    ("cases", index, "failing", place), f'"{written}" is not a check of this', remedy, code="AP310"
                )
        for number, row in enumerate(case.rows):
            for column in row:
                yield from check_column(("cases", index, "rows", number, column), column, columns)


def _names(definition: DataDefinition) -> list[str]:
    stated = {FRESHNESS: definition.freshness, VOLUME: definition.volume, SCHEMA: definition.schema_}
    return [name for name, value in stated.items() if value is not None] + [
        label(each) for each in definition.expectations
    ]
