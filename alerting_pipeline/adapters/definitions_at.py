"""The definition files as they were at a commit: what a change is compared with."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from alerting_pipeline.domain.errors import AlertingError, BadCall

_TIMEOUT = 60  # seconds


@contextmanager
def definitions_at(folder: Path, revision: str) -> Iterator[Path]:
    """A copy of the folder of definitions as it was at a revision, for as long as the context lasts.

    Raises BadCall for a revision that git does not know, AlertingError where there is no repository.
    """
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit.returncode != 0:
        if _git(folder, "rev-parse", "--git-dir").returncode != 0:
            raise AlertingError(f"{folder} is in no git repository; leave --base out to compare with what is in force")
        raise BadCall(f'"{revision}" is no commit that git knows here; name one such as origin/main, or fetch it first')
    prefix = _git(folder, "rev-parse", "--show-prefix").stdout.decode().strip()
    top = Path(_git(folder, "rev-parse", "--show-toplevel").stdout.decode().strip())
    name = commit.stdout.decode().strip()
    with TemporaryDirectory(prefix="definitions-") as made:
        target = Path(made) / folder.name
        target.mkdir()
        if _git(top, "cat-file", "-e", f"{name}:{prefix.rstrip('/')}").returncode == 0:
            archive = _git(top, "archive", "--format=tar", f"{name}:{prefix.rstrip('/')}")
            if archive.returncode != 0:
                raise AlertingError(
                    f"git could not read {folder.name} at {revision}: {archive.stderr.decode().strip()}"
                )
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
                files.extractall(target, filter="data")
        yield target


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=_TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise AlertingError("git is not installed; install it, or leave --base out") from None
    except subprocess.TimeoutExpired:
        raise AlertingError(f"git took longer than {_TIMEOUT} s in {folder}") from None
