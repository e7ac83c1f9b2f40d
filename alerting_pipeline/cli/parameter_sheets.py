"""`alerting parameters read-sheet` and `write-sheet`: values that people type in a sheet become requests."""

from __future__ import annotations

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, print_json, print_table, progress
from alerting_pipeline.domain.errors import AlertingError


@click.command("write-sheet")
@click.argument("sheets", nargs=-1)
@json_option
def write_sheet(sheets: tuple[str, ...], as_json: bool) -> None:
    """Write a row for each parameter value into parameter sheets, or bring them up to date.

    What people typed and nobody read yet stays as it is. Without SHEETS: all that destinations.yaml declares.
    """
    from alerting_pipeline.app import parameter_sheets as wired

    with App.from_environment() as app:
        found = []
        for name in _named(app, sheets):
            changed, path = wired.write_sheet(app, name, app.clock.now())
            found.append({"sheet": name, "file": path, "rows_changed": changed})
    if as_json:
        print_json(found)
        return
    print_table(
        ("sheet", "file", "rows changed"), [(each["sheet"], each["file"], each["rows_changed"]) for each in found]
    )


@click.command("read-sheet")
@click.argument("sheets", nargs=-1)
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Show what would be asked for; ask and write nothing.")
@click.option("--days", type=click.IntRange(1, 3_660), default=90, show_default=True, help="Replay so many days.")
@click.option("--no-impact", "is_blind", is_flag=True, help="Replay nothing.")
@json_option
def read_sheet(sheets: tuple[str, ...], is_dry_run: bool, days: int, is_blind: bool, as_json: bool) -> None:
    """Ask for what people typed in parameter sheets, and answer in the cell beside it.

    A new value goes the way of any change: role, bounds, impact, approval by somebody else. `alerting up` does this
    by itself. A row is asked for once, however often it is read.
    """
    from alerting_pipeline.app import parameter_sheets as wired

    with App.from_environment() as app:
        found = []
        failed = []
        for name in _named(app, sheets):
            try:
                with progress(quiet=as_json) as shown:
                    done = wired.read_sheet(
                        app, name, app.clock.now(), shown, is_dry_run=is_dry_run, days=None if is_blind else days
                    )
            except AlertingError as error:
                failed.append(f"{name}: {error}")
                continue
            found += [
                {
                    "sheet": name, "row": each.row, "key": str(each.key) if each.key else None, "answer": each.answer,
                    "is_new": each.is_new, "request_id": each.request_id, **each.facts,
                }
                for each in done
            ]  # fmt: skip
    if as_json:
        print_json({"rows": found, "failed": failed, "dry_run": is_dry_run})
    else:
        columns = ("sheet", "row", "key", "answer")
        print_table(columns, [[each[column] for column in columns] for each in found])
        click.echo(f"{sum(each['is_new'] for each in found)} new{'; a dry run: nothing was asked for' * is_dry_run}")
    if failed:
        raise AlertingError("; ".join(failed))


def _named(app: App, sheets: tuple[str, ...]) -> list[str]:
    from alerting_pipeline.app.parameter_sheets import sheet_names

    found = sheet_names(app, sheets)
    if not found:
        raise AlertingError(
            "There is no parameter sheet in force; add one to destinations.yaml, such as "
            "`thresholds: {channel: parameter_sheet}`."
        )
    return found
