"""What must hold between relative parameters and the model: their baselines are columns of it, and numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from alerting_pipeline.domain.condition_types import kind_of_type
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.problem import Finding
from alerting_pipeline.domain.relative import AS_SET


def check_baselines(parameters: Mapping[str, Parameter], columns: Mapping[str, str] | None) -> Iterator[Finding]:
    """Findings about the columns that relative parameters name; `columns` None: the model is not known."""
    for name, parameter in parameters.items():
        if parameter.relative is None or columns is None:
            continue
        for key, column in parameter.relative.reads.items():
            at = ("parameters", name, "relative", *key)
            if column not in columns:
                remedy = did_you_mean(column, columns) or f"it has {', '.join(sorted(columns)[:12])}"
                what = f'relative.{".".join(key)} "{column}" is not a column of the model'
                yield Finding(at, what, remedy, code="AP203")
            elif (kind := kind_of_type(columns[column])) not in ("number", None):
                what = f'relative.{".".join(key)} "{column}" is a {kind}, not a number'
                yield Finding(at, what, "name a column that holds a number, computed in dbt", code="AP207")
        if (own := f"{name}{AS_SET}") in columns or own in parameters:
            what = f'"{own}" is what templates call the value of {name} that people set'
            yield Finding(("parameters", name), what, "rename one of the two", code="AP111")


def names_as_set(parameters: Mapping[str, Parameter]) -> Collection[str]:
    """What a template may name beside the parameters: of relative ones, the value that people set."""
    return [f"{name}{AS_SET}" for name, each in parameters.items() if each.relative is not None]
