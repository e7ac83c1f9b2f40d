"""Types and defaults of a file's keys, in the words of somebody who writes that file.

pydantic knows what a key takes, but says it in Python's words. The readers of a value (`written.duration`, …) are what
a person has to satisfy, so the words hang on them.
"""

from __future__ import annotations

import json
import types
import typing
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from alerting_pipeline.domain.written import duration_text

_BY_READER = {
    "text": "text", "number": "number", "integer": "whole number", "flag": "`true` or `false`",
    "duration": "duration such as `4h`", "instant": "instant such as `2026-01-05T05:00:00Z`",
    "day": "day such as `2026-12-01`", "time_zone": "time zone such as `Europe/Berlin`", "cell": "single value or null",
    "_budget": "budget such as `5 per week`", "_clock_time": 'time of day such as `"09:00"`',
    "_entity": "value, list or map", "_pattern": "pattern such as `{day}.csv`",
}  # fmt: skip
_BY_CLASS = {
    str: "text", int: "whole number", float: "number", Decimal: "number", bool: "`true` or `false`", Any: "any value",
}  # fmt: skip


def type_of(field: FieldInfo) -> str:
    """What the key takes."""
    return _type(field.annotation, tuple(field.metadata))


def default_of(field: FieldInfo) -> str:
    """What holds where the key is absent; "" where it must be there."""
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    return "none" if value is PydanticUndefined else f"`{written(value)}`" if written(value) else "none"


def written(value: Any) -> str:
    """A value as it would stand in a file; "" for nothing."""
    if value is None or value == "" or value == () or value == {}:
        return ""
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, BaseModel):
        return written({key: item for key, item in value.model_dump(by_alias=True, mode="json").items() if item})
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}" if value else ""
    return json.dumps(value, default=str)


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a value of this type is made of, outermost first."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in typing.get_args(annotation) for model in models_in(part)]


def title_of(model: type[BaseModel]) -> str:
    """A model's name as words: `SeverityLevel` is a severity level."""
    spaced = "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in model.__name__)
    return spaced.strip()


def anchor_of(model: type[BaseModel]) -> str:
    return title_of(model).replace(" ", "-")


def _type(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    for rule in metadata:
        if isinstance(rule, BeforeValidator):
            name = getattr(rule.func, "__name__", "")
            if name == "text_list":
                return _one_or_several(annotation)
            if name in _BY_READER:
                return _BY_READER[name]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(inner[0], tuple(inner[1:]))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in inner if part is not type(None)))
    if origin is Literal:
        return " or ".join(f"`{option}`" for option in inner)
    if origin in (tuple, list):
        return f"list of {_type(inner[0])}"
    if origin is dict or (isinstance(origin, type) and issubclass(origin, typing.Mapping)):  # type: ignore[arg-type]  # an ABC
        return f"map of name to {_type(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{title_of(annotation)}](#{anchor_of(annotation)})"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{option.value}`" for option in annotation)
    return _BY_CLASS.get(annotation, getattr(annotation, "__name__", "value"))


def _one_or_several(annotation: Any) -> str:
    """A list that may be a single value without brackets."""
    inner = typing.get_args(annotation)
    item = _type(inner[0]) if inner else "text"
    return "text or list of texts" if item == "text" else f"one or a list of: {item}"
