"""Who wrote a file and in which commit, as far as git knows: kept with each version of a definition.

Two calls of git for any number of files: the commits that touched them, newest first, and what is not committed yet.
"""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from alerting_pipeline.adapters.git import command, git
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.publication import Origin

_TIMEOUT = 20  # seconds; a repository on a slow disk must not keep definitions from coming into force
_COMMIT = "\0"  # begins the line of a commit; no path and no name holds it
_AUTHOR = "%x00%H%x00%an"


def git_origins(folder: Path, paths: Collection[str]) -> dict[str, Origin]:
    """Where each of these files of a folder comes from: the commit that is checked out, and who changed it last there.

    A file that differs from that commit is by whoever puts it into force. Nothing where git or a repository is missing.
    """
    revision = _git(folder, "rev-parse", "--verify", "HEAD")
    if revision is None:
        return {}
    status = _git(folder, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", ".") or ""
    top = _git(folder, "rev-parse", "--show-prefix") or ""
    changed = {entry[3:].removeprefix(top.strip()) for entry in status.split("\0") if entry}
    authors = _authors(folder, set(paths) - changed)
    found = {}
    for path in paths:
        if path in changed:
            found[path] = Origin(revision.strip(), _this_user(), is_committed=False)
        else:
            found[path] = Origin(revision.strip(), authors.get(path))
    return found


def _authors(folder: Path, wanted: set[str]) -> dict[str, str]:
    """Who changed each file last. The log is read only as far back as is needed."""
    found: dict[str, str] = {}
    for author, path in _touched(folder) if wanted else ():
        if path in wanted and path not in found:
            found[path] = author
            if len(found) == len(wanted):
                break
    return found


def _touched(folder: Path) -> Iterator[tuple[str, str]]:
    call = command(folder, "-c", "core.quotePath=false", "log", f"--format={_AUTHOR}", "--name-only", "--relative",
                   "--", ".")  # fmt: skip
    author = ""
    try:
        with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                for line in process.stdout or ():
                    if line.startswith(_COMMIT):
                        author = line.rstrip("\n").split(_COMMIT)[2]
                    elif path := line.rstrip("\n"):
                        yield author, path
            finally:
                process.kill()
    except (OSError, UnicodeDecodeError):
        return


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = git(folder, *arguments, seconds=_TIMEOUT)
        return done.stdout.decode() if done.returncode == 0 else None
    except (AlertingError, UnicodeDecodeError):
        return None


def _this_user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a process without a name, as in some containers
        return None
