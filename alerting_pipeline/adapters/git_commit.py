"""A commit of its own for one new file, whatever else is changed or staged; without it, no file either."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alerting_pipeline.adapters.git import git
from alerting_pipeline.adapters.git import said as answer
from alerting_pipeline.adapters.new_file import remove_new, write_new
from alerting_pipeline.domain.draft_ports import Signature
from alerting_pipeline.domain.errors import AlertingError

_TIMEOUT = 60  # seconds; hooks of the repository run
_MARK = "Alerting-draft"


@dataclass(frozen=True, slots=True)
class NewCommit:
    """What the commit says: its subject, a paragraph, who wrote it, and who let it in (None: nobody had to)."""

    subject: str
    author: Signature
    approver: Signature | None = None
    body: str = ""
    draft: str = ""

    @property
    def message(self) -> str:
        """Subject, paragraph, trailers; what people wrote stays in one line, and makes no trailer of its own."""
        trailers = [f"Approved-by: {identity(self.approver)}"] if self.approver else []
        trailers += [f"{_MARK}: {self.draft}"] if self.draft else []
        parts = [self.subject, " ".join(self.body.split()), "\n".join(trailers)]
        return "\n\n".join(part for part in parts if part) + "\n"


def identity(who: Signature) -> str:
    """As git writes people: "Name <address>"."""
    name, address = (_plain(each) for each in (who.person.name or who.name, who.person.email or who.name))
    return f"{name or 'somebody'} <{address or 'nowhere'}>"


def commit_new(folder: Path, path: str, text: str, commit: NewCommit) -> str:
    """Write a new file and commit it alone; returns the commit. The committer is the approver, or the author.

    Raises AlertingError where there is no repository or git refuses; then there is no file, and nothing is staged.
    """
    _check_repository(folder, path)
    name = str(write_new(folder, path, text))
    try:
        _do(folder, "add", "--intent-to-add", "--", name)
        said = (f"--author={identity(commit.author)}", "--cleanup=whitespace", "--message", commit.message)
        _do(folder, *_as_whom(commit.approver or commit.author), "commit", "--quiet", "--only", *said, "--", name)
    except AlertingError:
        git(folder, "rm", "--cached", "--quiet", "--force", "--ignore-unmatch", "--", name, seconds=_TIMEOUT)
        remove_new(folder, path)
        raise
    return _do(folder, "rev-parse", "HEAD").strip()


def commit_of(folder: Path, path: str, text: str, draft: str) -> str | None:
    """The commit that wrote this text for this draft; None where the file is not there, or is another one."""
    shown = git(folder, "show", f"HEAD:./{path}", seconds=_TIMEOUT)
    if shown.returncode != 0 or shown.stdout != text.encode():
        return None
    log = git(folder, "log", "-1", "--diff-filter=A", f"--format=%H%x00%(trailers:key={_MARK},valueonly)", "--", path,
              seconds=_TIMEOUT)  # fmt: skip
    commit, _, mark = log.stdout.decode("utf-8", "replace").partition("\0")
    return commit if mark.strip() == draft else None


def _check_repository(folder: Path, path: str) -> None:
    inside = git(folder, "rev-parse", "--show-toplevel", seconds=_TIMEOUT)
    if inside.returncode != 0:
        raise AlertingError(
            f"{folder} is in no git repository that can be used ({answer(inside)}); nothing was written."
        )
    if not _says_yes(folder, "symbolic-ref", "--quiet", "HEAD"):
        raise AlertingError("No branch is checked out, so a commit would be lost: switch to one; nothing was written.")
    if _says_yes(folder, "check-ignore", "--quiet", "--", path):
        raise AlertingError(f"git ignores {path}; take it out of .gitignore. Nothing was written.")
    if _says_yes(folder, "cat-file", "-e", f"HEAD:./{path}"):
        raise AlertingError(f"{path} is in the commit that is checked out; nothing was written.")


def _says_yes(folder: Path, *arguments: str) -> bool:
    return git(folder, *arguments, seconds=_TIMEOUT).returncode == 0


def _do(folder: Path, *arguments: str) -> str:
    done = git(folder, *arguments, seconds=_TIMEOUT)
    if done.returncode != 0:
        raise AlertingError(f"git refused the commit ({answer(done)}); nothing was written.")
    return done.stdout.decode("utf-8", "replace")


def _as_whom(committer: Signature) -> list[str]:
    """So that a machine without user.name can commit, and nobody else is named."""
    name, _, address = identity(committer).partition(" <")
    return ["-c", f"user.name={name}", "-c", f"user.email={address.removesuffix('>')}"]


def _plain(text: str) -> str:
    return " ".join("".join(" " if sign in "<>" or not sign.isprintable() else sign for sign in text).split())
