"""A definition that was asked for by name, and whose file has errors: these are what is to be told, not its absence."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import click

from alerting_pipeline.domain.errors import AlertingError

if TYPE_CHECKING:
    from alerting_pipeline.domain.loaded import Loaded


def refuse_bad(loaded: Loaded, names: Iterable[str], known: Collection[str]) -> None:
    """Tell the errors of the first name that is not `known` because of its file; silent where none is."""
    for name in names:
        if name in known:
            continue
        paths = {file.path for file in loaded.files if file.name == name}
        errors = [problem for problem in loaded.errors if problem.path in paths]
        for problem in errors:
            click.echo(str(problem), err=True)
        if errors:
            raise AlertingError(f"the file of {name} has errors; correct it at the places above")
