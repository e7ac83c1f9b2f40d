"""`alerting load`: takes what has arrived into raw tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alerting_pipeline.cli.output import json_option, print_json, print_table, progress

if TYPE_CHECKING:
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.loading import LoadResult
    from alerting_pipeline.domain.ports import Progress


@click.command("load")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--from", "location", type=click.Path(path_type=Path), help="Another folder (or one file) to load from.")
@click.option("--dry-run", is_flag=True, help="Say what would be loaded, and load nothing.")
@json_option
def load(sources: tuple[str, ...], location: Path | None, dry_run: bool, as_json: bool) -> None:
    """Load what has arrived for each SOURCE (default: all of them) into its table in schema raw.

    Loading again what is loaded changes nothing. A file that can't be read is refused whole, and tried again next time.
    """
    from alerting_pipeline.app import App

    with App.from_environment() as app, progress(quiet=as_json) as told:
        told.report("load", "looking for what has arrived", 0, None)
        results = _load_all(app, sources, location, dry_run, told)
    nothing_found = location is not None and sources and not any(_is_found(each) for each in results)
    if as_json:
        print_json([_as_json(result) for result in results])
    else:
        _print(results, dry_run)
        if nothing_found:
            place = ", ".join(result.place for result in results)
            click.echo(f"alerting: no file matches {place}; check the location, or the source's pattern", err=True)
    if nothing_found or any(result.problems for result in results):
        sys.exit(1)


def _load_all(
    app: App, sources: tuple[str, ...], location: Path | None, dry_run: bool, told: Progress
) -> list[LoadResult]:
    from alerting_pipeline.domain.errors import BadCall
    from alerting_pipeline.usecases.load import load, preview

    chosen = app.sources.chosen(sources)
    if location is not None and not location.exists():
        raise BadCall(f"{location} does not exist; name a folder or a file that does")
    if location is not None and location.is_file() and len(chosen) != 1:
        raise BadCall(f"{location} is one file; name the source that it belongs to: alerting load SOURCE --from FILE")
    app.raw_tables.ensure(chosen)
    if dry_run:
        return [preview(source, app.source_files, app.raw_tables, location) for source in chosen]
    return [load(source, app.source_files, app.raw_tables, told, location) for source in chosen]


def _print(results: list[LoadResult], dry_run: bool) -> None:
    columns = ["source", "files", "rows", "bytes", "rows/s", "outcome"]
    rows = []
    for each in results:
        speed = int(each.rows / each.seconds) if each.rows and each.seconds else None
        files = len(each.pending) if dry_run else each.files
        rows.append([each.source, files, each.rows, each.bytes, speed, each.outcome])
    print_table(columns, rows)
    for each in results:
        for sentence in _remarks(each):
            click.echo(sentence)
    for each in results:
        for problem in each.problems:
            click.echo(f"alerting: {each.source}: {problem.error}", err=True)
            for other in problem.others:
                click.echo(f"  also {other}", err=True)
    if not any(each.files or each.problems or each.pending for each in results):
        click.echo("nothing new" if any(_is_found(each) for each in results) else "nothing has arrived")


def _remarks(result: LoadResult) -> list[str]:
    """What a person may want to know beside the numbers, a sentence each."""
    said = []
    if result.pending:
        said.append(f"{result.source}: would load {_some(result.pending)}")
    if result.replaced:
        said.append(f"{result.source}: changed since it was loaded, and replaced: {_some(result.replaced)}")
    if result.superseded:
        said.append(f"{result.source}: passed over, for a newer delivery holds: {_some(result.superseded)}")
    for name, missing in result.waiting.items():
        said.append(f"{result.source}: {name} waits for {_some(list(missing))}")
    if result.added_columns:
        said.append(f"{result.source}: new columns, added as text: {_some(result.added_columns)}")
    if result.missing_columns:
        said.append(f"{result.source}: declared, but not in the files (NULL): {_some(result.missing_columns)}")
    return said


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _is_found(result: LoadResult) -> bool:
    return bool(
        result.files or result.unchanged or result.superseded or result.waiting or result.problems or result.pending
    )


def _as_json(result: LoadResult) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(result), "outcome": result.outcome}
