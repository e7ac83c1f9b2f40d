"""dbt exposures: what definitions make of marts, said in dbt's own words, so that its lineage and docs end at people.

Derived from the definitions and never typed. Nothing is read back from them: definitions read dbt's models, and an
exposure is no model, so neither waits for the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.loaded import Loaded
from alerting_pipeline.domain.people import Team
from alerting_pipeline.domain.relation import models_read
from alerting_pipeline.domain.system_override import SystemOverride

_HEAD = """\
# Written by `alerting exposures` from the definitions; don't edit. What dbt's lineage and documentation show behind the
# marts: every alert, report and data definition over one, with its owner and what it depends on.
version: 2

exposures:
"""
_LABELS = {"business": "Alert", "data": "Data definition"}


def exposures_yaml(loaded: Loaded) -> str:
    """The whole file, in the order of names. Without a definition: an empty list."""
    found = [each for _, each in sorted(loaded.definitions.items()) if _is_exposed(each, loaded)]
    blocks = ["\n".join(_lines(each, loaded.people.teams.get(each.owner))) for each in found]
    return _HEAD + "\n\n".join(blocks) + "\n" if blocks else _HEAD.replace("exposures:", "exposures: []")


def _is_exposed(definition: Definition, loaded: Loaded) -> bool:
    """Not what is about a model that dbt keeps private to its group: an exposure may not name such a one."""
    if isinstance(definition, SystemOverride):
        return False
    return loaded.catalog is None or loaded.catalog.marts.keys() >= set(_models(definition))


def _lines(definition: Definition, team: Team | None) -> Iterator[str]:
    kind = _LABELS.get(str(getattr(definition, "kind", "")), "Report")
    title = definition.title or definition.name.replace("_", " ").capitalize()
    owner = {"name": definition.owner, **({"email": team.email} if team is not None and team.email else {})}
    yield f"  - name: {definition.name}"
    yield f"    label: {_quoted(title)}"
    yield f"    type: {'analysis' if kind == 'Report' else 'application'}"
    yield f"    description: {_quoted(_description(definition, kind))}"
    yield f"    owner: {_flow(owner.items())}"
    yield f"    config: {{meta: {{kind: {_quoted(kind.lower())}, file: {_quoted(definition.path)}}}}}"
    yield "    depends_on:"
    yield from (f"      - ref('{model}')" for model in _models(definition))


def _models(definition: Definition) -> list[str]:
    if isinstance(definition, AlertDefinition):
        return sorted(models_read(definition))
    return [model for model in [getattr(definition, "model", None)] if model]


def _description(definition: Definition, kind: str) -> str:
    runbook = getattr(definition, "runbook", None)
    sentences = [f"{kind}.", (definition.description or "").strip(), f"Runbook: {runbook}" if runbook else ""]
    # dbt renders descriptions as templates.
    return " ".join(each for each in sentences if each).replace("{{", "{ {").replace("{%", "{ %")


def _flow(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{key}: {_quoted(value)}" for key, value in pairs) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
