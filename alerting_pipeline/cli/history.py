"""`alerting history`: which versions of a definition were in force when, who wrote them, and what each changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import count, json_option, print_json, print_table
from alerting_pipeline.domain.errors import BadCall

if TYPE_CHECKING:
    from alerting_pipeline.domain.version_history import Difference, Version

_SHOWN = 60  # characters of a value; the whole of it is in --json


@click.command()
@click.argument("name")
@click.option("--at", metavar="TIME", help="Only the version in force at that instant of the database's clock.")
@json_option
def history(name: str, at: str | None, as_json: bool) -> None:
    """Every version of the definition NAME that was in force, newest first: from when until when, by whom, of which
    commit, what it changed, and how many evaluations and incidents it made.

    NAME may also be people.yaml, routing.yaml or destinations.yaml.
    """
    from alerting_pipeline.cli.moment import moment
    from alerting_pipeline.domain.nearest import did_you_mean
    from alerting_pipeline.domain.version_history import with_changes

    with App.from_environment() as app:
        versions = app.version_history.of(name)
        if not versions:
            hint = did_you_mean(name, app.version_history.names())
            raise BadCall(f'"{name}" was never in force; {hint or "`alerting run` puts the files into force"}')
    found = with_changes(versions)
    if at is not None:
        instant = moment(at, "--at")
        found = [(version, changes) for version, changes in found if _holds(version, instant)]
    if as_json:
        print_json([_as_json(version, changes) for version, changes in found])
        return
    if not found:
        click.echo(f"{name} was not in force then; it came into force {_clock(versions[0].in_force_from)}.")
        return
    _print(found)


def _holds(version: Version, at: datetime) -> bool:
    return version.in_force_from <= at and (version.in_force_to is None or at < version.in_force_to)


def _print(found: list[tuple[Version, list[Difference]]]) -> None:
    for version, changes in found:
        until = _clock(version.in_force_to) if version.in_force_to else "now"
        what = f"version {version.version}" if version.version else "removed"
        click.echo(f"{what}, {_clock(version.in_force_from)} until {until}")
        by = version.author or "nobody that git knows"
        commit = f", commit {version.revision[:10]}" if version.revision else ""
        click.echo(f"  {version.path} by {by}{commit}{_not_committed(version)}")
        if version.version:
            click.echo(f"  {count(version.evaluations, 'evaluation')}, {count(version.incidents, 'incident')} opened")
        if changes:
            print_table(("  changed", "before", "after"), [(f"  {item.key}", _cell(item.before), _cell(item.after))
                                                          for item in changes])  # fmt: skip
        click.echo()


def _not_committed(version: Version) -> str:
    return " with changes that were not committed" if version.is_committed is False else ""


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _as_json(version: Version, changes: list[Difference]) -> dict[str, Any]:
    return {
        "version": version.version,
        "path": version.path,
        "git_revision": version.revision,
        "author": version.author,
        "is_committed": version.is_committed,
        "in_force_from": version.in_force_from,
        "in_force_to": version.in_force_to,
        "evaluations": version.evaluations,
        "incidents": version.incidents,
        "changes": [{"key": item.key, "before": item.before, "after": item.after} for item in changes],
    }
