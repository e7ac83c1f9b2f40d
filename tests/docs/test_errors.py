"""Each code has a page, each page a code, and the example on it is answered exactly as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.app import App
from alerting_pipeline.cli import main
from alerting_pipeline.domain.problem import Problem
from alerting_pipeline.domain.problem_code import ALL, CODES, DBT, REST, SQL, code_of, page_of
from tests.adapters.test_definition_files import PROBLEMS
from tests.conftest import PROJECT
from tests.definition_folder import CATALOG, COMPLETE, MINIMAL, DefinitionFolder

PAGES = {path.stem: path for path in (PROJECT / "docs" / "errors").glob("AP*.md")}


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert PAGES.keys() == ALL
    assert all((PROJECT / page_of(code)).is_file() for code in ALL)
    index = (PROJECT / "docs" / "errors" / "index.md").read_text()
    assert re.findall(r"\[(AP\d+)\]\(\1\.md\)", index) == sorted(ALL)


@pytest.mark.parametrize("code", sorted(ALL - {DBT}))
def test_the_example_of_a_page_gives_this_error_and_no_other(code: str, tmp_path: Path) -> None:
    page = PAGES[code].read_text()
    [(name, example)] = re.findall(r'```yaml(?: title="(.+?)")?\n(.*?)```', page, flags=re.DOTALL)
    [answer] = re.findall(r"```text\n(.*?)\n```", page, flags=re.DOTALL)
    files = DefinitionFolder.make(tmp_path / "my project", MINIMAL if name else example)
    if name:
        files.write(name, example)
    errors = load(files.folder, CATALOG).errors
    assert [(code_of(error), str(error)) for error in errors] == [(code, answer)]


@pytest.mark.parametrize("code", sorted(CODES))
def test_no_sentence_has_two_codes(code: str) -> None:
    [answer] = re.findall(r"```text\n(.*?)\n```", PAGES[code].read_text(), flags=re.DOTALL)
    what = answer.split(": ", 1)[1].split("; ")[0]
    assert [each for each, sentence in CODES.items() if sentence.search(what)] == [code]


def test_every_error_has_a_page_whatever_its_sentence() -> None:
    assert code_of(Problem("a/b.yaml", 1, 1, "something rare")) == REST
    assert code_of(Problem("a/b.yaml", 1, 1, "something rare", topic="sql")) == SQL
    assert code_of(Problem("dbt_project", 1, 1, "the dbt project can't be read")) == DBT
    assert code_of(Problem("people.yaml", 1, 1, "something rare")) == "AP401"
    assert page_of(code_of(Problem("a/b.yaml", 1, 1, "for is not in force yet", severity="note"))) == ""


def test_a_template_is_no_sql(tmp_path: Path) -> None:
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE.replace("{{ transaction_id }}", "{{ a.b }}"))
    assert [code_of(error) for error in load(files.folder, CATALOG).errors] == ["AP301"]


@pytest.mark.parametrize("old", PROBLEMS)
def test_the_known_mistakes_have_a_page_of_their_kind(old: str, tmp_path: Path) -> None:
    new, _ = PROBLEMS[old]
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE.replace(old, new, 1))
    codes = [code_of(error) for error in load(files.folder, CATALOG).errors]
    assert codes and all(code in ALL for code in codes)


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
