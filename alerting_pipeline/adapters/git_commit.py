"""A commit of its own for one file, whatever else is changed or staged."""

from __future__ import annotations

import subprocess
from pathlib import Path

from alerting_pipeline.domain.errors import AlertingError

_TIMEOUT = 30  # seconds; hooks of the repository run


def commit_files(paths: list[Path], message: str, author: str) -> str:
    """Commit these files alone; returns the commit. `author` is "Name <address>". Raises AlertingError."""
    folder = paths[0].parent
    names = [str(path.resolve()) for path in paths]
    _git(folder, "add", "--intent-to-add", "--", *names)
    _git(folder, "commit", "--quiet", "--only", f"--author={author}", "--message", message, "--", *names)
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AlertingError(f"git did not answer ({error}); the file is written, commit it yourself") from None
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())[:300]
        raise AlertingError(f"git refused the commit: {said}; the file is written, commit it yourself")
    return done.stdout
