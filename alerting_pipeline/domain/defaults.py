"""What defaults files may state: the keys of a definition that can be inherited, each with its own type."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.inheritance import OWN_KEYS
from alerting_pipeline.domain.written import Integer, Strict


@lru_cache(maxsize=8)
def inheritable_keys(kind: type[Definition]) -> frozenset[str]:
    """The keys, as written in files, that a definition of this kind takes over from elsewhere."""
    return frozenset(
        field.alias or name
        for name, field in kind.model_fields.items()
        if not field.exclude and (field.alias or name) not in OWN_KEYS
    )


@lru_cache(maxsize=1)
def defaults_model() -> type[BaseModel]:
    """A defaults file as a model: every inheritable key, none of them needed."""
    fields: dict[str, Any] = {"version": (Integer, 1)}
    keys = inheritable_keys(AlertDefinition)
    for name, field in AlertDefinition.model_fields.items():
        if (field.alias or name) in keys:
            kind: Any = field.annotation
            for rule in field.metadata:
                kind = Annotated[kind, rule]
            fields[name] = (kind, Field(default=None, alias=field.alias, description=field.description))
    return create_model("Defaults", __base__=Strict, **fields)
