"""`alerting exposures`: writes what dbt shows behind the marts, from the definitions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alerting_pipeline.cli.output import count, json_option, print_json

if TYPE_CHECKING:
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.loaded import Loaded


@click.command()
@click.option("--check", "is_check", is_flag=True, help="Write nothing; exit code 1 if the file is out of date.")
@json_option
def exposures(is_check: bool, as_json: bool) -> None:
    """Write models/exposures.yml of the dbt project: each definition, its owner, and the marts that it depends on.

    Definitions with an error are left out; `alerting validate` names them.
    """
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.exposure import exposures_yaml

    with App.from_environment() as app:
        path = app.settings.dbt_project / "models" / "exposures.yml"
        loaded = _loaded(app, path, is_check)
    wanted, present = exposures_yaml(loaded), path.read_text(encoding="utf-8") if path.exists() else ""
    is_same = wanted == present
    if not is_check and not is_same:
        path.write_text(wanted, encoding="utf-8")
    if as_json:
        print_json({"path": str(path), "exposures": len(loaded.definitions), "changed": not is_same})
    elif is_check and not is_same:
        click.echo(f"{path} is not what the definitions say; `alerting exposures` writes it")
    else:
        click.echo(f"{count(len(loaded.definitions), 'definition')}, {'nothing new' if is_same else f'wrote {path}'}")
    sys.exit(1 if is_check and not is_same else 0)


def _loaded(app: App, path: Path, is_check: bool) -> Loaded:
    """The definitions. An exposure of a mart that is gone keeps dbt from reading its project: then without the file."""
    from alerting_pipeline.domain.errors import AlertingError

    try:
        return app.loaded_definitions
    except AlertingError:
        if is_check or not path.exists():
            raise
    aside = path.rename(path.with_suffix(".aside"))
    try:
        return app.loaded_definitions
    finally:
        aside.rename(path)
