"""The pages of reference say all there is: every key, command, variable and column, each with its meaning."""

from __future__ import annotations

import re
from typing import Annotated, Any

import click
import pytest
from pydantic import BaseModel, TypeAdapter

from alerting_pipeline.adapters.yaml_tree import read
from alerting_pipeline.cli import COMMANDS, alerting
from alerting_pipeline.settings import VARIABLES
from docs.generator import commands_page, environment_page, examples_of_keys, format_page, views_page
from tests.conftest import Database

MODELS = format_page.models()
PAGE = format_page.page()
FOUND = examples_of_keys.shortest(format_page._examples())


def keys() -> list[tuple[type[BaseModel], str]]:
    return [(model, key) for model in MODELS for key in format_page.keys_of(model)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_on_the_page_with_its_meaning_and_an_example(model: type[BaseModel]) -> None:
    rows = [line.split(" | ", 3) for line in PAGE.splitlines() if line.startswith("| `")]
    for key, field in format_page.keys_of(model).items():
        told = [row[3] for row in rows if row[0].removeprefix("| ").startswith(f"`{key}`")]
        meaning = (field.description or "").replace("|", "\\|")
        assert meaning, f"{model.__name__}.{key} has no description"
        assert any(text.startswith(meaning) and f"<br>`{key}: " in text for text in told), (model.__name__, key)


def test_examples_that_no_file_uses_are_read_by_the_type_of_their_key() -> None:
    for model, key in keys():
        example = examples_of_keys.UNUSED.get(f"{model.__name__}.{key}") or examples_of_keys.UNUSED.get(key)
        if example is None or (model.__name__, key) in FOUND:
            continue
        root, problems = read(f"{key}: {example}\n".encode(), "example.yaml")
        assert problems == []
        field = format_page.keys_of(model)[key]
        kind: Any = field.annotation
        for rule in field.metadata:
            kind = Annotated[kind, rule]
        TypeAdapter(kind).validate_python((root.entries or {})[key][1].plain(), by_alias=True, by_name=False)


def test_no_made_up_example_is_left_over() -> None:
    used = {f"{model.__name__}.{key}" for model, key in keys()} | {key for _, key in keys()}
    assert set(examples_of_keys.UNUSED) - used == set()


def test_links_between_the_models_lead_somewhere() -> None:
    anchors = set(re.findall(r"\{ #([\w-]+) \}", PAGE))
    targets = set(re.findall(r"\]\(#([\w-]+)\)", PAGE))
    assert targets - anchors <= {"where-values-come-from"}


def test_every_command_and_option_is_on_the_page() -> None:
    page = commands_page.page()
    context = click.Context(alerting, info_name="alerting")
    for name in COMMANDS:
        command = alerting.get_command(context, name)
        assert command is not None
        for path, each in [(f"alerting {name}", command), *subcommands(f"alerting {name}", command)]:
            _, _, section = page.partition(f"# {path} {{")
            section = section.split("\n#", 1)[0]
            assert " ".join((each.help or "").split())[:40] in " ".join(section.split()), path
            for option in each.params:
                if isinstance(option, click.Option):
                    assert option.opts[0] in section, (path, option.opts)


def subcommands(path: str, command: click.Command) -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return []
    return [(f"{path} {name}", each) for name, each in command.commands.items()]


def test_every_variable_is_on_the_page_and_says_what_it_does() -> None:
    page = environment_page.page()
    for variable in VARIABLES.values():
        assert re.search(rf"^\| `{variable}` \| .+ \| .{{15,}} \|$", page, flags=re.MULTILINE), variable


def test_every_column_of_every_view_is_on_the_page_with_its_comment(database: Database) -> None:
    rows = views_page.described(database.superuser_url)
    page = views_page.page_of(rows)
    assert {"incidents", "incident_events", "evaluations", "deliveries"} <= {row[0] for row in rows}
    for view, about, column, kind, meaning in rows:
        assert about and meaning, f"{view}.{column} has no comment"
        assert f"| `{column}` | {kind} | {meaning} |" in page
