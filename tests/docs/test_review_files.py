"""The workflow and the hooks that review a change call commands that there are, with as few rights as they need."""

from __future__ import annotations

import re

import pytest
import yaml

from alerting_pipeline.cli import COMMANDS, alerting
from tests.conftest import PROJECT

FILES = (".github/workflows/alerts.yml", ".pre-commit-hooks.yaml", ".pre-commit-config.yaml")
_COMMAND = re.compile(r"(?:\.venv/bin/|entry: )alerting ([a-z-]+)([^\n>|]*)")


@pytest.mark.parametrize("path", FILES)
def test_each_command_and_option_exists(path: str) -> None:
    found = _COMMAND.findall((PROJECT / path).read_text())
    assert found
    for name, rest in found:
        assert name in COMMANDS
        command = alerting.get_command(None, name)  # type: ignore[arg-type]  # our lazy group asks for no context
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, (name, rest)


def test_the_workflow_reads_and_comments_and_no_more() -> None:
    workflow = yaml.safe_load((PROJECT / FILES[0]).read_text())
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert list(workflow[True]) == ["pull_request"], (
        "pull_request_target would hand secrets to a stranger's code"
    )  # YAML 1.1 reads `on` so
    for step in workflow["jobs"]["plan"]["steps"]:
        assert "github.event.pull_request.title" not in str(step), "text of a stranger in a shell"


def test_this_repositorys_hooks_are_those_that_it_offers() -> None:
    offered = {each["id"]: each for each in yaml.safe_load((PROJECT / FILES[1]).read_text())}
    used = yaml.safe_load((PROJECT / FILES[2]).read_text())["repos"][0]["hooks"]
    assert used == [offered[each["id"]] for each in used]
