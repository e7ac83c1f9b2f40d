"""`alerting preview`: an alert as its readers would get it now, before anybody does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.bad_files import refuse_bad
from alerting_pipeline.cli.moment import moment
from alerting_pipeline.cli.output import count, json_option, note_standing_clock, print_json, print_table
from alerting_pipeline.domain.errors import AlertingError, BadCall

if TYPE_CHECKING:
    from alerting_pipeline.domain.definition import AlertDefinition
    from alerting_pipeline.domain.loaded import Loaded
    from alerting_pipeline.rendering.notification import Notification
    from alerting_pipeline.usecases.preview import Preview, Shown


@click.command()
@click.argument("name", metavar="NAME|FILE")
@click.option("--as-of", "as_of", metavar="T", help="The instant that counts as now, such as 2026-01-05T05:00:00Z.")
@click.option("--messages", "most", type=click.IntRange(0, 20), default=1, show_default=True,
              help="Show the messages of so many incidents, the worst first.")  # fmt: skip
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), help="Keep the messages in this folder.")
@json_option
def preview(name: str, as_of: str | None, most: int, save: Path | None, as_json: bool) -> None:
    """The alert NAME, or the draft in FILE, as it would fire now: the query, the rows, the severities, the route, and
    the Slack message and e-mail of the worst incident.

    What is open already counts as new. Values that people set hold here, too. Sends nothing and writes nothing to the
    ledger; --save writes the Slack blocks (.json) and the mail (.html) to files.
    """
    with App.from_environment() as app:
        note_standing_clock(app.settings)
        loaded, definition = _found(app, name)
        instant = moment(as_of, "--as-of") if as_of else app.clock.now()
        found = app.preview(loaded, definition, instant, most)
    if save is not None:
        _save(save, found)
    if as_json:
        print_json(_as_json(found))
        return
    _print(found)


def _found(app: App, name: str) -> tuple[Loaded, AlertDefinition]:
    from dataclasses import replace

    from alerting_pipeline.adapters.definition_files import load
    from alerting_pipeline.domain.nearest import did_you_mean
    from alerting_pipeline.domain.report import ReportDefinition

    draft = Path(name)
    if draft.suffix in (".yaml", ".yml"):
        if not draft.exists():
            raise BadCall(f"{name} does not exist; name a file, or an alert without .yaml")
        settings = app.settings
        inside = draft.resolve().is_relative_to(settings.definitions.resolve())
        beside = [] if inside else [draft]
        loaded = load(settings.definitions, app.catalog, project=settings.project, beside=beside, today=app.today)
        path = draft.resolve().relative_to(settings.definitions.resolve()).as_posix() if inside else draft.as_posix()
        names = [file.name for file in loaded.files if file.path == path and file.name]
        name = names[0] if names else name
        if not names:
            loaded = replace(loaded, problems=tuple(each for each in loaded.problems if each.path == path))
    else:
        loaded = app.loaded_definitions
    refuse_bad(loaded, [name], loaded.definitions)
    definition = loaded.alerts.get(name)
    if definition is not None:
        return loaded, definition
    other = loaded.definitions.get(name)
    if isinstance(other, ReportDefinition):
        raise BadCall(f"{name} is a report; `alerting reports preview {name}` shows it")
    if other is not None:
        raise BadCall(f"{name} is no business alert; `alerting evaluate {name} --dry-run` shows what it finds")
    hint = did_you_mean(name, loaded.alerts) or "`alerting validate` counts what there is"
    raise BadCall(f'"{name}" is not an alert; {hint}')


def _print(found: Preview) -> None:
    click.echo(_pretty(found.sql))
    nulls = f", {count(found.null_rows, 'row')} with a NULL condition" if found.null_rows else ""
    already = f"; {count(found.is_open, 'incident')} of it {'is' if found.is_open == 1 else 'are'} open already"
    click.echo(f"\n{found.alert}: {count(found.violations, 'row')} would fire{nulls}{already if found.is_open else ''}")
    if found.sample:
        columns = list(dict.fromkeys(name for row in found.sample for name in row))
        print_table(columns, [[_cell(row.get(name)) for name in columns] for row in found.sample])
    if found.wrong:
        click.echo(f"a template can't be filled in: {found.wrong}")
    for shown in found.shown:
        _print_shown(shown)
    click.echo("\nNothing was written or sent.")


def _print_shown(shown: Shown) -> None:
    from alerting_pipeline.rendering.email import email
    from alerting_pipeline.rendering.message import Message

    click.echo(f"\n{shown.incident.severity}: {shown.incident.summary}")
    for reason in shown.routed.reasons:
        click.echo(f"  {reason}")
    for told in _one_per_channel(shown.notifications):
        message: Message = told.message
        if told.channel == "slack":
            click.echo(f"\nSlack, {told.destination}")
            _print_box(_slack_lines(message))
        elif told.channel == "email":
            mail = email(message)
            click.echo(f"\ne-mail, {told.destination}")
            _print_box([f"Subject: {mail.subject}", "", *mail.text.rstrip().splitlines()])
        else:
            row = {name: value for name, value in message.record.items() if value not in (None, "")}
            click.echo(
                f"\n{told.channel}, {told.destination}: {', '.join(f'{key} {value}' for key, value in row.items())}"
            )


def _one_per_channel(told: tuple[Notification, ...]) -> list[Notification]:
    """The same message looks the same in every Slack channel: one of each is enough to read."""
    return list({item.channel: item for item in reversed(told)}.values())[::-1]


def _print_box(lines: list[str]) -> None:
    for line in lines:
        click.echo(f"  │ {line}".rstrip())


def _slack_lines(message: Any) -> list[str]:
    """The blocks as a person sees them, without their markup."""
    from alerting_pipeline.rendering.slack import blocks

    lines: list[str] = []
    for block in blocks(message):
        if block["type"] == "actions":
            lines.append("  ".join(f"[{element['text']['text']}]" for element in block["elements"]))
            continue
        texts = [block["text"]["text"]] if "text" in block else []
        texts += [field["text"] for field in block.get("fields", ())]
        texts += [element["text"] for element in block.get("elements", ()) if "text" in element]
        for text in texts:
            lines += text.splitlines()
    return lines


def _pretty(sql: str) -> str:
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return sqlglot.transpile(sql, read="postgres", write="postgres", pretty=True)[0]
    except SqlglotError:
        return sql.strip()


def _save(folder: Path, found: Preview) -> None:
    import json

    from alerting_pipeline.rendering.email import email
    from alerting_pipeline.rendering.slack import blocks

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, shown in enumerate(found.shown, 1):
            for told in _one_per_channel(shown.notifications):
                stem = f"{found.alert}_{number}"
                if told.channel == "slack":
                    text = json.dumps({"blocks": blocks(told.message)}, ensure_ascii=False, indent=2)
                    (folder / f"{stem}.slack.json").write_text(text, encoding="utf-8")
                elif told.channel == "email":
                    (folder / f"{stem}.html").write_text(email(told.message).html, encoding="utf-8")
    except OSError as error:
        raise AlertingError(f"{folder}: can't be written ({error.strerror}); name another folder") from None


def _as_json(found: Preview) -> dict[str, Any]:
    return {
        "alert": found.alert,
        "sql": found.sql,
        "violations": found.violations,
        "null_rows": found.null_rows,
        "open_already": found.is_open,
        "rows": found.sample,
        "template_error": found.wrong,
        "incidents": [_shown_json(shown) for shown in found.shown],
    }


def _shown_json(shown: Shown) -> dict[str, Any]:
    return {
        "severity": shown.incident.severity,
        "deviance": shown.incident.deviance,
        "summary": shown.incident.summary,
        "owner": shown.incident.owner,
        "path": shown.routed.path,
        "reasons": shown.routed.reasons,
        "messages": [_message_json(told) for told in shown.notifications],
    }


def _message_json(told: Notification) -> dict[str, Any]:
    from alerting_pipeline.rendering.email import email
    from alerting_pipeline.rendering.slack import blocks

    about = {"destination": told.destination, "channel": told.channel}
    if told.channel == "slack":
        return {**about, "blocks": blocks(told.message)}
    if told.channel == "email":
        mail = email(told.message)
        return {**about, "subject": mail.subject, "html": mail.html, "text": mail.text}
    return {**about, "record": told.message.record}


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float | None) else str(value)
