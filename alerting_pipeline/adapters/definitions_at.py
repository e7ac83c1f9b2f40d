"""The definition files as they were at a commit: what a change is compared with."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from alerting_pipeline.adapters.git import git, said
from alerting_pipeline.domain.errors import AlertingError, BadCall

_TIMEOUT = 60  # seconds


@contextmanager
def definitions_at(folder: Path, revision: str) -> Iterator[Path]:
    """A copy of the folder of definitions as it was at a revision, for as long as the context lasts.

    Raises BadCall for a revision that git does not know, AlertingError where there is no repository.
    """
    commit = git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", seconds=_TIMEOUT
    )
    if commit.returncode != 0:
        if git(folder, "rev-parse", "--git-dir", seconds=_TIMEOUT).returncode != 0:
            raise AlertingError(f"{folder} is in no git repository; leave --base out to compare with what is in force")
        raise BadCall(f'"{revision}" is no commit that git knows here; name one such as origin/main, or fetch it first')
    prefix, top = (
        git(folder, "rev-parse", asked, seconds=_TIMEOUT).stdout.decode().strip("\n")
        for asked in ("--show-prefix", "--show-toplevel")
    )
    tree = f"{commit.stdout.decode().strip()}:{prefix.rstrip('/')}"
    with TemporaryDirectory(prefix="definitions-") as made:
        target = Path(made) / folder.name
        target.mkdir()
        if git(Path(top), "cat-file", "-e", tree, seconds=_TIMEOUT).returncode == 0:
            _unpack(Path(top), tree, target, f"{folder.name} at {revision}")
        yield target


def _unpack(top: Path, tree: str, target: Path, what: str) -> None:
    archive = git(top, "archive", "--format=tar", tree, seconds=_TIMEOUT)
    if archive.returncode != 0:
        raise AlertingError(f"git could not read {what}: {said(archive)}")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(target, filter="data")
    except (tarfile.TarError, OSError) as error:  # a link that leads out of the folder is one
        raise AlertingError(f"{what} can't be unpacked: {error}") from None
