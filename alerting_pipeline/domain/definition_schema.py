"""The JSON Schema of a definition file, for editors: completion, descriptions and red lines while typing.

It says what a single file can say about itself. What needs the neighbours (columns, people, inherited values) only
`alerting validate` knows, so keys that can be inherited are not required here.
"""

from __future__ import annotations

from typing import Any

from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.defaults import inheritable_keys
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.system_override import SystemOverride

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def definition_schema() -> dict[str, Any]:
    """The schema of an alert, data, system or report definition, draft 2020-12."""
    shared: dict[str, Any] = {}
    kinds = {
        "alert": _kind(AlertDefinition, shared),
        "data": _kind(DataDefinition, shared),
        "report": _kind(ReportDefinition, shared),
        "system": _kind(SystemOverride, shared),
    }
    return {
        "$schema": DIALECT,
        "title": "Definition",
        "description": "One alert, data, system or report definition of alerting-pipeline.",
        "type": "object",
        "if": {"required": ["report"]},
        "then": {"$ref": "#/$defs/report"},
        "else": {
            "if": {"required": ["kind"], "properties": {"kind": {"const": "data"}}},
            "then": {"$ref": "#/$defs/data"},
            "else": {
                "if": {"required": ["kind"], "properties": {"kind": {"const": "system"}}},
                "then": {"$ref": "#/$defs/system"},
                "else": {"$ref": "#/$defs/alert"},
            },
        },
        "$defs": {**dict(sorted(shared.items())), **kinds},
    }


def _kind(model: type[Definition], shared: dict[str, Any]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    shared.update(schema.pop("$defs", {}))
    properties = {key: value for key, value in schema["properties"].items() if not value.pop("internal", False)}
    inherited = inheritable_keys(model)
    schema["properties"] = {key: _or_null(value) for key, value in properties.items()}
    schema["required"] = [key for key in schema.get("required", []) if key not in inherited and key != "path"]
    schema["additionalProperties"] = False
    return schema


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """An empty value means: as if the key were not there."""
    if "anyOf" in schema and {"type": "null"} not in schema["anyOf"]:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [kind, "null"]}
    return schema
