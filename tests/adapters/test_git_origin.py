"""Who wrote it: its last author in the commit that is checked out, or whoever puts an uncommitted one into force."""

from __future__ import annotations

import getpass
import subprocess
from pathlib import Path

import pytest

from alerting_pipeline.adapters.git_origin import git_origins
from alerting_pipeline.domain.publication import Origin


class Repository:
    """A repository with a folder `definitions` in it."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "definitions"
        self.folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, author: str = "Ada") -> str:
        identity = ["-c", f"user.name={author}", "-c", "user.email=sample@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(self.root), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def commit(self, path: str, text: str, author: str) -> str:
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).write_text(text)
        self.git("add", ".")
        self.git("commit", "-q", "-m", f"Write {path}", author=author)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "a folder")


def test_each_file_is_by_who_changed_it_last(repository: Repository) -> None:
    repository.commit("fraud/a.yaml", "1", "Ada")
    repository.commit("fraud/b ü.yaml", "1", "Ben")
    repository.commit("fraud/a.yaml", "2", "Cleo")
    head = repository.commit("other.yaml", "1", "Ben")
    assert git_origins(repository.folder, ["fraud/a.yaml", "fraud/b ü.yaml"]) == {
        "fraud/a.yaml": Origin(head, "Cleo"),
        "fraud/b ü.yaml": Origin(head, "Ben"),
    }


def test_a_changed_or_new_file_is_by_whoever_puts_it_into_force(repository: Repository) -> None:
    head = repository.commit("a.yaml", "1", "Ada")
    (repository.folder / "a.yaml").write_text("2")
    (repository.folder / "new.yaml").write_text("1")
    mine = Origin(head, getpass.getuser(), is_committed=False)
    assert git_origins(repository.folder, ["a.yaml", "new.yaml"]) == {"a.yaml": mine, "new.yaml": mine}


def test_outside_a_repository_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert git_origins(tmp_path, ["a.yaml"]) == {}
    (tmp_path / "empty").mkdir()
    Repository(tmp_path / "empty")
    assert git_origins(tmp_path / "empty" / "definitions", ["a.yaml"]) == {}, "no commit yet"
