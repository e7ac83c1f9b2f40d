"""Each code has a page, each page a code, and the example on it is answered exactly as the page says."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.adapters.source_declarations import read_sources
from alerting_pipeline.app import App
from alerting_pipeline.cli import main
from alerting_pipeline.domain.problem import Problem
from alerting_pipeline.domain.problem_code import CODES
from tests.adapters.test_definition_files import PROBLEMS
from tests.conftest import PROJECT
from tests.definition_folder import CATALOG, COMPLETE, MINIMAL, DefinitionFolder

PAGES = {path.stem: path for path in (PROJECT / "docs" / "errors").glob("AP*.md")}
DBT = "AP205"
TODAY = date(2026, 1, 19)  # what pages about absences count from
CODE = re.compile(r"AP\d{3}")
# Their ValueError is no check of a file's value: it is caught where it was raised, or it is a defect of the caller.
NOT_CHECKED: set[str] = set()


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert PAGES.keys() == CODES.keys()
    assert all(PAGES[code].read_text().startswith(f"# {code}: {title}\n") for code, title in CODES.items())
    index = (PROJECT / "docs" / "errors" / "index.md").read_text()
    assert re.findall(r"\[(AP\d+)\]\(\1\.md\)", index) == sorted(CODES)


def test_every_code_is_stated_somewhere_and_none_that_there_is_not() -> None:
    stated = {code for _, tree in _modules() for code in _texts(tree) if CODE.fullmatch(code)}
    assert stated == CODES.keys()


def test_no_check_of_a_value_goes_without_a_code() -> None:
    bare = [
        f"{path.name}:{node.lineno}"
        for path, tree in _modules()
        if path.parent.name in ("domain", "channels") and path.name not in NOT_CHECKED
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id == "ValueError"
    ]
    assert bare == []


@pytest.mark.parametrize("code", sorted(CODES.keys() - {DBT}))
def test_the_example_of_a_page_gives_this_error_and_no_other(code: str, tmp_path: Path) -> None:
    page = PAGES[code].read_text()
    [(name, example)] = re.findall(r'```yaml(?: title="(.+?)")?\n(.*?)```', page, flags=re.DOTALL)
    [answer] = re.findall(r"```text\n(.*?)\n```", page, flags=re.DOTALL)
    assert [(error.code, str(error)) for error in _errors(tmp_path / "my project", name, example)] == [(code, answer)]


def _errors(project: Path, name: str, example: str) -> list[Problem]:
    if name.startswith("dbt_project/"):
        path = project / name
        path.parent.mkdir(parents=True)
        path.write_text(example)
        return list(read_sources(project / "dbt_project").problems)
    files = DefinitionFolder.make(project, MINIMAL if name else example)
    if name:
        files.write(name, example)
    return list(load(files.folder, CATALOG, today=TODAY).errors)


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in (PROJECT / "alerting_pipeline").rglob("*.py"):
        if path.name != "problem_code.py":
            yield path, ast.parse(path.read_text())


def _texts(tree: ast.Module) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


@pytest.mark.parametrize("old", PROBLEMS)
def test_the_known_mistakes_have_a_page_of_their_kind(old: str, tmp_path: Path) -> None:
    new, _ = PROBLEMS[old]
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE.replace(old, new, 1))
    codes = [error.code for error in load(files.folder, CATALOG).errors]
    assert codes and all(code in CODES for code in codes)


def test_validate_names_code_and_page_for_programs(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = DefinitionFolder.make(tmp_path / "my project", f"{MINIMAL}sumary: x\n")
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(files.folder))
    monkeypatch.setattr(App, "catalog", property(lambda app: CATALOG))
    with pytest.raises(SystemExit):
        main(["validate", "--json"])
    [problem] = [each for each in json.loads(capsys.readouterr()[0])["problems"] if each["severity"] == "error"]
    assert (problem["code"], problem["page"]) == ("AP102", "docs/errors/AP102.md")
