"""Git, called for a folder: always by the repository that the folder lies in, whoever calls us.

A hook runs with variables that point git to the repository and the index of the commit being made; in a linked
worktree they make whatever folder git is sent to pass for the top of the tree. So they are taken away from the call.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from alerting_pipeline.domain.errors import AlertingError

_POINTERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
_NOT_FOUND = 127  # what env answers where there is no git


def command(folder: Path, *arguments: str) -> list[str]:
    """The call, for subprocess. Without git it ends with 127."""
    unset = [part for name in _POINTERS for part in ("-u", name)]  # the short form: BSD knows no other
    return ["env", *unset, "git", "-C", str(folder), *arguments]


def git(folder: Path, *arguments: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """What git answers, whatever it answers. Raises AlertingError where there is no git, or none within the time."""
    try:
        done = subprocess.run(
            command(folder, *arguments), capture_output=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise AlertingError(f"git can't be called ({error.strerror}); install it.") from None
    except subprocess.TimeoutExpired:
        raise AlertingError(f"git took longer than {seconds:g} s in {folder}.") from None
    if done.returncode == _NOT_FOUND:
        raise AlertingError("git is not installed; install it first.")
    return done


def said(done: subprocess.CompletedProcess[bytes], most: int = 300) -> str:
    """What git complained of, in one line."""
    return " ".join((done.stderr or done.stdout).decode("utf-8", "replace").split())[:most]
