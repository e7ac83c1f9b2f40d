"""From the tree of one file to a definition, or to the problems in it: each with its line, column and remedy.

pydantic says what is wrong with the merged values; this module says it in our words, at the place in the file (or in
the file that the value was inherited from) where it can be put right.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from alerting_pipeline.adapters.yaml_tree import Node
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Finding, Mistake, Problem
from alerting_pipeline.domain.written import Plain, is_null

M = TypeVar("M", bound=BaseModel)
_REMEDIES = {
    "owner": "name a team of people.yaml here, in the mart's meta.alerting, in _defaults.yaml or in defaults.yaml",
    "runbook": "name the file that says what to do, here, in _defaults.yaml or in defaults.yaml",
    "link": "say where to resolve it, here, in _defaults.yaml or in defaults.yaml",
    "severity": "give the levels with the time allowed (SLA), here, in _defaults.yaml or in defaults.yaml",
    "entity": "name the column that one incident is about",
    "condition": "write the SQL that is true for a violation",
    "summary": "write one sentence, as a template over the row",
}
_CODES = {
    "literal_error": "AP105",
    "enum": "AP105",
    "string_pattern_mismatch": "AP111",
    "too_short": "AP103",
    "string_too_short": "AP103",
    "too_long": "AP110",
    "string_too_long": "AP110",
    "greater_than_equal": "AP107",
    "less_than_equal": "AP107",
}
_FORMS = {
    "to": "write #channel, or a channel id such as C0123456789",
    "file": "write a file name such as fraud_review.xlsx",
    "table": "write a table of schema operations, such as operations.review_queue",
    "worksheet": "write at most 31 characters, none of []:*?/\\'",
}


def values_of(root: Node) -> dict[str, Any]:
    """The values of a map, as written; keys whose value is null are left out, but not in the rows of cases."""
    entries = root.entries or {}
    return {
        key: node.plain() if key == "cases" else _without_nulls(node.plain())
        for key, (_, node) in entries.items()
        if not (node.is_scalar and is_null(node.value))
    }


def build(model: type[M], root: Node, values: Mapping[str, Any]) -> tuple[M | None, list[Problem]]:
    """The model's instance, or every problem that keeps it from being one."""
    try:
        # by_name=False: in a file, `for` is the key, and not the attribute `hold_for` that it is read into.
        return model.model_validate(dict(values), by_alias=True, by_name=False), []
    except ValidationError as error:
        details = [detail for detail in error.errors(include_url=False) if not _is_emptied_by_others(detail)]
        found = [_problem(model, root, values, detail) for detail in details]
        return None, sorted(set(found))


def _is_emptied_by_others(error: ErrorDetails) -> bool:
    """pydantic calls a list too short whose items were refused, each with a problem of its own."""
    least = (error.get("ctx") or {}).get("min_length", 1)
    return error["type"] == "too_short" and isinstance(error["input"], list | tuple) and len(error["input"]) >= least


def located(root: Node, findings: Iterable[Finding]) -> list[Problem]:
    """The findings as problems at their place in the file."""
    found = []
    for finding in findings:
        node = root.at(finding.at)
        # Without an offset, a finding about a map or list points to the key that people look for.
        is_block = not node.is_scalar and finding.at
        anchor = root.key_at(finding.at) if is_block or finding.severity == "note" else node
        line, column = anchor.place(finding.offset if anchor is node else None)
        found.append(
            Problem(anchor.source.path, line, column, finding.what, finding.remedy, finding.severity, code=finding.code)
        )
    return found


def _problem(model: type[BaseModel], root: Node, values: Mapping[str, Any], error: ErrorDetails) -> Problem:
    way = tuple(step for step in error["loc"] if step != "[key]")
    kind = error["type"]
    if kind == "extra_forbidden":
        key = root.key_at(way)
        known = _keys(_model_at(model, way[:-1]))
        listed = ", ".join(sorted(known))
        hint = f"the keys here are {listed}" if len(known) <= 12 else "`alerting schema` lists the keys"
        hint = did_you_mean(str(way[-1]), known) or hint
        return _placed(key, f'unknown key "{way[-1]}"', hint, "AP102")
    if kind == "missing":
        name = str(way[-1])
        parent = root.at(way[:-1])
        inside = f" in {_spoken(way[:-1])}" if len(way) > 1 else ""
        return _placed(_first(parent), f"{name} is missing{inside}", _REMEDIES.get(name, f"add {name}: …"), "AP103")
    if way == ("version",):
        return _placed(root.at(way), f"version {_shown(error['input'])} is not known", "write version: 1", "AP105")
    what, remedy = _sentence(kind, way, error)
    node = root.at(way)
    if kind == "value_error":
        way = (*way, *_named_in(what, node))
        node = root.at(way)
        if not node.is_scalar and way:
            node = root.key_at(way)
    elif not node.is_scalar and node is not root:
        node = root.key_at(way)
    if "[key]" in error["loc"]:
        node = root.key_at(way)
    return _placed(node if node is not root else _first(root), what, remedy, _code(kind, error))


def _sentence(kind: str, way: tuple[int | str, ...], error: ErrorDetails) -> tuple[str, str]:
    name = _spoken(way)
    written = _shown(error["input"])
    context = error.get("ctx") or {}
    if kind == "value_error":
        what, _, remedy = error["msg"].removeprefix("Value error, ").partition("; ")
        prefix = f"{name} " if name and what.startswith('"') else ""
        prefix = f"{name}: " if name and what.startswith(("a map", "a list", "nothing", "true", "false")) else prefix
        return prefix + what, remedy or "correct it"
    if kind in ("literal_error", "enum"):
        options = [option.strip("'") for option in str(context.get("expected", "")).replace(" or ", ", ").split(", ")]
        hint = did_you_mean(str(error["input"]), options)
        return f"{name} {written} is not one of {', '.join(options)}", hint or "write one of them"
    if kind == "string_pattern_mismatch":
        if name in _FORMS:
            return f"{name} {written} is not accepted", _FORMS[name]
        return f"{name} {written} is not a name", "write lower snake_case, such as large_transaction"
    if kind in ("too_short", "string_too_short"):
        return f"{name} is empty", "write at least one value" if kind == "too_short" else "write it"
    if kind in ("too_long", "string_too_long"):
        return f"{name} is longer than {context.get('max_length')}", "shorten it"
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = context.get("ge", context.get("le"))
        return f"{name} {written} is out of bounds", f"{'at least' if 'ge' in context else 'at most'} {bound}"
    if kind in ("tuple_type", "list_type"):
        return f"{name} is {_kind(error['input'])}, not a list", f"write {name or 'it'}: [ … ]"
    if kind in ("dict_type", "model_type", "model_attributes_type", "mapping_type"):
        return f"{name} is {_kind(error['input'])}, not a map", "write key: value"
    return f"{name}: {error['msg'][:1].lower()}{error['msg'][1:]}", "correct it"


def _named_in(what: str, node: Node) -> tuple[str, ...]:
    """A check of a whole map begins its sentence with the key that it means: `values.premium 5 is under …`."""
    first = what.split(" ", 1)[0]
    head, _, rest = first.partition(".")
    if node.entries is None or head not in node.entries:
        return ()
    return (head, rest) if rest else (head,)


def _code(kind: str, error: ErrorDetails) -> str:
    """The code that a check of ours states; for what pydantic itself finds, that of its kind."""
    raised = (error.get("ctx") or {}).get("error")
    return raised.code if isinstance(raised, Mistake) else _CODES.get(kind, "AP108")


def _placed(node: Node, what: str, remedy: str, code: str) -> Problem:
    line, column = node.place()
    return Problem(node.source.path, line, column, what, remedy, code=code)


def _first(node: Node) -> Node:
    """The key that stands for a whole map: its name if it has one, otherwise its first key."""
    if not node.entries:
        return node
    for name in ("alert", "report", "name"):
        if name in node.entries:
            return node.entries[name][0]
    return next(iter(node.entries.values()))[0]


def _model_at(model: type[BaseModel], way: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that the value at the end of the way is read by."""
    kind: Any = model
    for step in way:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = _by_key(kind).get(str(step))
            kind = _inner(field) if field is not None else kind
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else model


@lru_cache(maxsize=64)
def _by_key(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _keys(model: type[BaseModel]) -> set[str]:
    internal = {name for name, field in model.model_fields.items() if field.exclude or name == "template_text"}
    return set(_by_key(model)) - internal


def _inner(annotation: Any) -> Any:
    """The model inside a list, map or optional of it."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation
    for part in typing.get_args(annotation):
        found = _inner(part)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return annotation


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if not is_null(item)}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _spoken(way: Iterable[int | str]) -> str:
    return ".".join(str(step) for step in way if not isinstance(step, int))


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value if len(value) <= 40 else value[:39] + "…", ensure_ascii=False)
    return _kind(value)


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Plain) and is_null(value):
        return "empty"
    return "a single value" if isinstance(value, str) else json.dumps(value, default=str)
