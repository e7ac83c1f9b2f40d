"""The reference of the format: every key of every file, from the models that read those files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from alerting_pipeline.adapters.destination_file import _MODULES, _SETTINGS
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.defaults import inheritable_keys
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.source import Ingest
from alerting_pipeline.domain.system_override import SystemOverride
from docs.generator import examples_of_keys as examples
from docs.generator.model_text import anchor_of, default_of, models_in, title_of, type_of

PROJECT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Chapter:
    """One kind of file: its heading, what is said first, and the model that reads it."""

    heading: str
    lead: str
    model: type[BaseModel]


CHAPTERS = (
    Chapter(
        "Alert",
        "`alert_definitions/<area>/<name>.yaml`. The least that works is shown in the "
        "[start](../index.md#a-definition); this is all there is. Keys marked ↑ may be "
        "[inherited](#where-values-come-from).",
        AlertDefinition,
    ),
    Chapter(
        "Data definition", "`kind: data`, in a file like an alert's: what must hold for a model's data.", DataDefinition
    ),
    Chapter(
        "Report",
        "A message per entity on a schedule; the file names a `report` instead of an `alert`.",
        ReportDefinition,
    ),
    Chapter(
        "System override",
        "`kind: system`, in a file like an alert's: owner, severity and routing of a definition that is built in.",
        SystemOverride,
    ),
    Chapter("people.yaml", "Who there is. Roles say what somebody may do, teams what they answer for.", People),
    Chapter("routing.yaml", "Who hears of an incident: the first branch that matches takes it.", RoutingTree),
    Chapter("destinations.yaml", "Where messages and rows may go: a map of name to destination.", Destination),
    Chapter(
        "meta.ingest",
        "Under `config: meta:` of a table in a dbt source file. What a source states holds for its tables, key by key.",
        Ingest,
    ),
)
_INTRODUCTION = """# The format

Every key of every file: what it takes, what holds without it, what it means, and an example from the files of this
repository. `alerting validate` checks all of it; `alerting schema` prints the same for editors.

Values are read as they are written. A number is digits only (never `1_000`, `0x10` or `1e3`), `true` and `false` are
the only booleans, a duration has its units (`1h30m`), and everything may be quoted.
"""
_INHERITANCE = """## Where values come from

The nearest place wins, key by key; labels are added up. `alerting show NAME --resolved` prints each value with the
place it came from.

1. the definition's own file
2. `meta.alerting` of the dbt mart that it reads
3. `_defaults.yaml` of its folder, then of the folders above
4. `alert_definitions/defaults.yaml`
5. what is built in

What makes a definition itself can't be inherited: {own}.

`meta.alerting` may also state `watermark`: the column that grows with every row that arrives in the mart, so that only
what is new is read; and `as_was`: how columns that change after the event were, for
[backtests](../how-to/backtest.md).
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [_INTRODUCTION, _INHERITANCE.format(own=", ".join(f"`{key}`" for key in _own_keys()))]
    shown = examples.shortest(_examples())
    done: set[type[BaseModel]] = set()
    for chapter in CHAPTERS:
        parts += [f"## {chapter.heading} {{ #{_anchor(chapter.heading)} }}\n", f"{chapter.lead}\n"]
        parts += _section(chapter.model, shown, done, is_chapter=True)
        if chapter.model is Destination:
            for channel, settings in channel_settings().items():
                parts += [f"### channel: {channel}\n", *_section(settings, shown, done, is_chapter=True)]
    return "\n".join(parts)


def models() -> list[type[BaseModel]]:
    """All models whose keys stand on the page, each once."""
    found: dict[type[BaseModel], None] = {}
    for model in [*(chapter.model for chapter in CHAPTERS), *channel_settings().values()]:
        for each in _reachable(model):
            found.setdefault(each)
    return list(found)


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys that a file may state, in the model's order."""
    return {
        field.alias or name: field for name, field in model.model_fields.items() if not _is_internal(model, name, field)
    }


def channel_settings() -> dict[str, type[BaseModel]]:
    """The settings of each built-in channel that has any."""
    return {
        channel: getattr(
            import_module(f"alerting_pipeline.adapters.channels.{_MODULES.get(channel, channel)}"), settings
        )
        for channel, settings in _SETTINGS.items()
    }


def _section(
    model: type[BaseModel], shown: dict[tuple[str, str], str], done: set[type[BaseModel]], *, is_chapter: bool = False
) -> Iterator[str]:
    if model in done:
        return
    done.add(model)
    about = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    if not is_chapter:
        yield f"### {title_of(model).capitalize()} {{ #{anchor_of(model)} }}\n"
    if about and not is_chapter:
        yield f"{about}\n"
    yield "| key | takes | default | |\n|---|---|---|---|"
    inherited = (
        inheritable_keys(model) if issubclass(model, Definition) and model is not SystemOverride else frozenset()
    )
    for key, field in keys_of(model).items():
        yield _row(model, key, field, shown, key in inherited)
    yield ""
    for field in keys_of(model).values():
        for inner in models_in(field.annotation):
            yield from _section(inner, shown, done)


def _row(
    model: type[BaseModel], key: str, field: FieldInfo, shown: dict[tuple[str, str], str], is_inherited: bool
) -> str:
    example = examples.example_of(model, key, shown)
    meaning = (field.description or "") + (f"<br>`{_escaped(f'{key}: {example}')}`" if example else "")
    default = default_of(field) or "required"
    cells = (f"`{key}`{' ↑' if is_inherited else ''}", type_of(field), default, meaning)
    return "| " + " | ".join(_escaped(cell, only_bars=True) for cell in cells) + " |"


def _escaped(text: str, *, only_bars: bool = False) -> str:
    text = text.replace("\\|", "|").replace("|", "\\|")
    return text if only_bars else text.replace("`", "'")


def _examples() -> Iterator[tuple[tuple[str, str], str]]:
    folder = PROJECT / "alert_definitions"
    for path in sorted(folder.rglob("*.yaml")):
        values = examples.read(path)
        if path.name == "destinations.yaml":
            yield from _destination_examples(values.get("destinations", values))
        elif path.name == "people.yaml":
            yield from examples.found_in(People, values)
        elif path.name == "routing.yaml":
            yield from examples.found_in(RoutingTree, values)
        elif "report" in values:
            yield from examples.found_in(ReportDefinition, values)
        elif values.get("kind") in ("data", "system"):
            yield from examples.found_in(DataDefinition if values["kind"] == "data" else SystemOverride, values)
        else:
            yield from examples.found_in(AlertDefinition, values)
    for path in sorted((PROJECT / "dbt_project" / "models").rglob("*sources.yml")):
        for source in examples.read(path).get("sources", ()):
            for table in source.get("tables", ()):
                yield from examples.found_in(Ingest, table.get("config", {}).get("meta", {}).get("ingest"))


def _destination_examples(destinations: Any) -> Iterator[tuple[tuple[str, str], str]]:
    settings = channel_settings()
    for stated in destinations.values():
        if isinstance(stated, dict):
            yield from examples.found_in(Destination, stated)
            if stated.get("channel") in settings:
                yield from examples.found_in(settings[stated["channel"]], stated)


def _reachable(model: type[BaseModel]) -> Iterable[type[BaseModel]]:
    yield model
    for field in keys_of(model).values():
        for inner in models_in(field.annotation):
            if inner is not model:
                yield from _reachable(inner)


def _is_internal(model: type[BaseModel], name: str, field: FieldInfo) -> bool:
    is_marked = isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("internal"))
    return bool(field.exclude) or is_marked or (model is Destination and name == "name")


def _own_keys() -> list[str]:
    inherited = inheritable_keys(AlertDefinition)
    return [key for key in keys_of(AlertDefinition) if key not in inherited]


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-").replace(".", "-")
