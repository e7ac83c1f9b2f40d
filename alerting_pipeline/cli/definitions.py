"""`alerting validate`, `schema`, `show`: what the definition files say, without touching a database."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import count, json_option, print_json, print_table
from alerting_pipeline.domain.errors import AlertingError, BadCall

if TYPE_CHECKING:
    from alerting_pipeline.domain.definition import Definition
    from alerting_pipeline.domain.loaded import Loaded
    from alerting_pipeline.domain.problem import Problem

_SILENCE = 0.7  # seconds without a word; dbt parses only when its project changed, and then for some seconds


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--notes", "with_notes", is_flag=True, help="Every note, too: what is worth knowing and no error.")
@json_option
def validate(paths: tuple[Path, ...], with_notes: bool, as_json: bool) -> None:
    """Check all definition files, or those under PATHS, or of the names given: `file:line:column: what; remedy`.

    Notes say what is worth knowing, such as what is read and checked but not in force yet; only errors count for the
    exit code.
    """
    from alerting_pipeline.usecases.validate import validate as checked

    started = time.monotonic()
    with App.from_environment() as app:
        loaded, chosen = _load_chosen(app, paths)
    found = checked(loaded, chosen)
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        summary = {"definitions": found.definitions, "errors": found.errors, "notes": found.notes, "seconds": seconds}
        print_json({**summary, "problems": [_coded(problem) for problem in found.problems]})
    else:
        for problem in found.problems:
            if with_notes or problem.severity == "error":
                click.echo(str(problem))
        counts = (count(found.definitions, "definition"), count(found.errors, "error"), count(found.notes, "note"))
        unread = "; `alerting validate --notes` prints the notes" if found.notes and not with_notes else ""
        click.echo(f"{', '.join(counts)}, {seconds} s{unread}")
        if pages := sorted({page for problem in found.problems if (page := _coded(problem)["page"])}):
            click.echo(f"read on: {', '.join(pages)}", err=True)
    sys.exit(1 if found.errors else 0)


@click.command()
@json_option
def schema(as_json: bool) -> None:
    """JSON Schema of a definition, for editors; it is JSON either way.

    Kept as alert_definitions/definition.schema.json, which the first line of each definition names.
    """
    from alerting_pipeline.domain.definition_schema import definition_schema

    click.echo(json.dumps(definition_schema(), ensure_ascii=False, indent=2))


@click.command()
@click.argument("name")
@click.option("--resolved", is_flag=True, help="Every value, the inherited and built-in ones too.")
@json_option
def show(name: str, resolved: bool, as_json: bool) -> None:
    """The definition NAME as it is in force, each value with its origin."""
    from alerting_pipeline.usecases import show as shows

    with App.from_environment() as app:
        loaded = app.loaded_definitions
        definition, origins, version = shows.find(loaded, name), loaded.origins.get(name, {}), "the files"
        if definition is None:
            definition = _last_good(app, loaded, name)
            origins = dict.fromkeys(type(definition).model_fields, "last good version")
            version = "the last good version, for the file has errors"
    values = shows.show(definition, origins, resolved=resolved)
    if as_json:
        about = {"name": name, "path": definition.path, "version": definition.version_id, "from": version}
        print_json({**about, "values": {item.key: {"value": item.value, "origin": item.origin} for item in values}})
        return
    click.echo(f"{name} ({definition.path}, version {definition.version_id}, from {version})")
    print_table(["key", "value", "origin"], [(item.key, _written(item.value), item.origin) for item in values])


def _load_chosen(app: App, paths: Sequence[Path]) -> tuple[Loaded, list[str] | None]:
    """What to check, and which of its paths were asked about. Files elsewhere are checked as drafts."""
    from dataclasses import replace

    from alerting_pipeline.adapters.definition_files import load
    from alerting_pipeline.domain.problem import Problem

    folder = app.settings.definitions
    chosen: list[str] = []
    named: list[str] = []
    beside: list[Path] = []
    for path in paths:
        found = path if path.exists() else folder / path
        if not found.exists():
            named.append(str(path))
        elif found.resolve().is_relative_to(folder.resolve()):
            chosen.append(found.resolve().relative_to(folder.resolve()).as_posix())
        elif found.is_dir() and len(paths) == 1:
            folder = found
        elif found.is_dir():
            raise BadCall(f"{path} is a folder elsewhere; name it alone, and it is checked as a folder of definitions")
        else:
            beside.append(found)
            chosen.append(found.as_posix())
    slow = threading.Timer(_SILENCE, click.echo, ["reading the dbt project …"], {"err": True})
    slow.daemon = True
    slow.start()
    try:
        catalog, problem = app.catalog, None
    except AlertingError as error:
        what = f"the dbt project can't be read, so models and columns are not checked: {str(error).rstrip('.')}"
        catalog, problem = None, Problem("dbt_project", 1, 1, what, code="AP205")
    finally:
        slow.cancel()
    loaded = load(folder, catalog, project=app.settings.project, beside=beside, today=app.today)
    if problem is not None:
        loaded = replace(loaded, problems=(problem, *loaded.problems))
        chosen += [problem.path] if chosen else []
    chosen += [path for name in named for path in _paths_of(loaded, name, folder)]
    is_all = not chosen or "." in chosen
    return loaded, None if is_all else chosen


def _paths_of(loaded: Loaded, name: str, folder: Path) -> list[str]:
    """The files that define NAME."""
    found = [file.path for file in loaded.files if file.name == name]
    if not found:
        raise BadCall(f"{name} does not exist; name a file or folder of {folder}, a definition, or a draft elsewhere")
    return found


def _coded(problem: Problem) -> dict[str, Any]:
    from dataclasses import asdict

    from alerting_pipeline.domain.problem_code import page_of

    return {**asdict(problem), "page": page_of(problem.code)}


def _last_good(app: App, loaded: Loaded, name: str) -> Definition:
    """What the ledger has in force although the file is bad; the file's errors go to standard error."""
    paths = {file.path for file in loaded.files if file.name == name}
    for problem in loaded.errors:
        if problem.path in paths:
            click.echo(str(problem), err=True)
    held = app.definition_ledger.in_force().definitions
    if name not in held:
        raise AlertingError(f"the file of {name} has errors, and no earlier version was ever in force; correct it")
    return held[name]


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
