"""`alerting new`: an alert from a few answers, tried out on the data that there are before its file is written."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import count, json_option, note_standing_clock, print_json, print_table, progress
from alerting_pipeline.domain.errors import AlertingError, BadCall

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from alerting_pipeline.app.drafting import Tried
    from alerting_pipeline.domain.draft import Draft
    from alerting_pipeline.domain.draft_ports import Decided

_DAYS = 90
_SHOWN = 30  # names in a sentence


def _complete(found: Callable[[App, click.Context], Mapping[str, str]]) -> Callable[..., list[CompletionItem]]:
    """What the shell offers: names with a few words about each; nothing where they can't be read."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        done, comma, begun = incomplete.rpartition(",")
        try:
            with App.from_environment() as app:
                known = found(app, context)
        except AlertingError:  # a shell that completes is no place to tell of it
            return []
        return [
            CompletionItem(f"{done}{comma}{name}", help=" ".join(about.split()) or None)
            for name, about in known.items()
            if name.startswith(begun)
        ]

    return complete


def _marts(app: App, context: click.Context) -> Mapping[str, str]:
    return {name: mart.description for name, mart in sorted(app.catalog.marts.items())}


def _columns(app: App, context: click.Context) -> Mapping[str, str]:
    model = app.catalog.marts.get(context.params.get("model") or "")
    return model.columns if model else {}


def _teams(app: App, context: click.Context) -> Mapping[str, str]:
    return {name: team.description for name, team in app.loaded_definitions.people.teams.items()}


def _areas(app: App, context: click.Context) -> Mapping[str, str]:
    files = app.loaded_definitions.files
    return {file.path.split("/")[0]: "" for file in files if "/" in file.path and file.is_definition}


@click.command()
@click.argument("name")
@click.option("--model", shell_complete=_complete(_marts), help="The mart that it reads.")
@click.option("--entity", shell_complete=_complete(_columns), help="Column(s) that one incident is about, with commas.")
@click.option("--condition", help="SQL that is true for a row that is wrong; parameters as :name.")
@click.option("--parameter", "limits", multiple=True, metavar="NAME=DEFAULT[:MIN:MAX]", help="A limit; repeatable.")
@click.option("--owner", shell_complete=_complete(_teams), help="The team that answers for it; default: inherited.")
@click.option(
    "--area", shell_complete=_complete(_areas), help="Folder of its file; default: that of other alerts on the model."
)
@click.option("--summary", help="One line for people, with columns as {{ column }}; default: made from the condition.")
@click.option(
    "--severity", type=click.Choice(["critical", "high", "medium", "low", "info"]), help="Default: inherited."
)
@click.option("--respond-within", metavar="LENGTH", help="Time allowed, such as 4h; with --severity.")
@click.option("--runbook", help="Page that says what to do; default: inherited.")
@click.option(
    "--occurred-at", shell_complete=_complete(_columns), help="When a row's event was, for event-like models."
)
@click.option("--days", type=click.IntRange(1, 3_660), default=_DAYS, show_default=True, help="Replay so many days.")
@click.option("--yes", "is_sure", is_flag=True, help="Write the file, or ask for approval, without a question.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Write nothing, and ask for nothing.")
@click.option("--commit", "is_committed", is_flag=True, help="Commit the file, alone; what is approved always is.")
@click.option("--reason", default="", help="Why it is needed; for whoever approves it.")
@click.option("--as", "person", metavar="NAME", help="Who you are in people.yaml; default: the user of this machine.")
@json_option
def new(
    name: str,
    is_sure: bool,
    is_dry_run: bool,
    is_committed: bool,
    reason: str,
    person: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Make the alert NAME: what is not given is asked for, with the marts, columns and teams there are.

    It is checked like any file, its cases are made from rows that there are and run, and it is replayed over the last
    days. Then, if you say so, its file is written; where its owner's new alerts need approval (`alerts_approved_by` in
    people.yaml), it waits for somebody else instead: `alerting drafts`. Nothing is in force before the files are
    published.
    """
    from alerting_pipeline.app.drafting import Drafting, alert_requests
    from alerting_pipeline.domain.draft import checked_texts

    with App.from_environment() as app, progress(as_json) as shown:
        note_standing_clock(app.settings)
        checked_texts({**given, "reason": reason})
        draft = _described(app, name, given)
        drafting = Drafting(app, given["days"])
        problems = drafting.problems(draft)
        for problem in problems:
            click.echo(str(problem), err=True)
        if problems:
            raise AlertingError(f"{name} was not written; give it what is missing above, then try again")
        tried = drafting.try_out(draft, app.clock.now(), shown)
        failed = [result for result in tried.cases if not result.is_passed]
        if not as_json:
            _print(tried)
        requests = alert_requests(app)
        roles = requests.approvers(tried.file.owner)
        written = commit = asked = None
        if not is_dry_run and not failed and (is_sure or (not as_json and _is_wanted(tried, roles))):
            if roles:
                who = _person(app, person)
                asked = requests.ask(tried.file, who, _reason(reason, roles), tried.impact)
            else:
                written, commit = _written(app, tried, person, is_committed)
    if as_json:
        print_json(_as_json(tried, written, commit, asked))
    else:
        click.echo(_outcome(written, commit, asked))
    sys.exit(1 if failed else 0)


def _described(app: App, name: str, given: Mapping[str, Any]) -> Draft:
    from alerting_pipeline.domain.draft import Draft, Limit, checked_area, checked_name

    loaded = app.loaded_definitions
    if checked_name(name) in {file.name for file in loaded.files}:
        raise BadCall(f"{name} is there already; `alerting show {name}` shows it")
    marts = app.catalog.marts
    model = _asked(given["model"], "--model", "The mart that it reads", marts)
    of_model = marts[model]
    keys = [",".join(sorted(key)) for key in of_model.unique_keys]
    entity = _asked(
        given["entity"], "--entity", "The column that one incident is about", None, keys[0] if keys else None
    )
    columns = tuple(each.strip() for each in entity.split(",") if each.strip())
    for column in columns:
        _known(column, of_model.columns, f"a column of {model}")
    condition = _asked(given["condition"], "--condition", "SQL that is true for a row that is wrong", None)
    near = [each for each in loaded.alerts.values() if each.model == model]
    areas = sorted({file.path.split("/")[0] for file in loaded.files if "/" in file.path and file.is_definition})
    beside = near[0].path.split("/")[0] if near else None
    area = given["area"] or beside or _asked(None, "--area", "The folder of its file", areas)
    owner = given["owner"]
    if owner is not None:
        _known(owner, loaded.people.teams, "a team in people.yaml")
    happened = given["occurred_at"] or next((each.occurred_at for each in near if each.entity == columns), None)
    facts = " ".join(f"{column} {{{{ {column} }}}}" for column in columns)
    return Draft(
        name=name,
        area=checked_area(area),
        model=model,
        entity=columns,
        condition=condition,
        summary=given["summary"] or f"{facts}: {name.replace('_', ' ')}",
        owner=owner,
        runbook=given["runbook"],
        occurred_at=happened,
        limits=tuple(Limit.read(each) for each in given["limits"]),
        severity=given["severity"],
        respond_within=given["respond_within"],
    )


def _asked(
    value: str | None, option: str, question: str, known: Collection[str] | None, default: str | None = None
) -> str:
    """What was given, or is answered on a terminal."""
    if value is None:
        if not sys.stdin.isatty():
            hint = f"; there are {', '.join(sorted(known)[:_SHOWN])}" if known else ""
            raise BadCall(f"{option} is missing: {question[0].lower()}{question[1:]}{hint}")
        if known:
            click.echo(f"there are {', '.join(sorted(known)[:_SHOWN])}", err=True)

        def checked(answer: str) -> str:
            if known is not None:
                try:
                    _known(answer, known, "known here")
                except BadCall as error:  # asked again, with the reason
                    raise click.UsageError(str(error)) from None
            return answer

        return str(click.prompt(question, default=default, err=True, value_proc=checked))
    if known is not None:
        _known(value, known, f"known here ({option})")
    return value


def _known(value: str, known: Collection[str], what: str) -> None:
    from alerting_pipeline.domain.nearest import did_you_mean

    if value not in known:
        hint = did_you_mean(value, known) or f"there are {', '.join(sorted(known)[:_SHOWN]) or 'none'}"
        raise BadCall(f'"{value}" is not {what}; {hint}')


def _is_wanted(tried: Tried, roles: Collection[str]) -> bool:
    if not sys.stdin.isatty():
        click.echo("--yes asks for approval" if roles else "--yes writes the file", err=True)
        return False
    question = f"Ask {' or '.join(roles)} to approve it?" if roles else f"Write {tried.draft.path}?"
    return click.confirm(question, err=True)


def _reason(given: str, roles: Collection[str]) -> str:
    if given.strip() or not sys.stdin.isatty():
        return given
    return str(click.prompt(f"Why is it needed? {' or '.join(roles)} will read it", err=True))


def _person(app: App, person: str | None) -> str:
    from alerting_pipeline.app.drafting import alert_requests
    from alerting_pipeline.usecases.act import acting_person

    return acting_person(alert_requests(app).rules.people, person, getpass.getuser())


def _written(app: App, tried: Tried, person: str | None, is_committed: bool) -> tuple[str, str | None]:
    from alerting_pipeline.adapters.git_commit import NewCommit, commit_new
    from alerting_pipeline.adapters.new_file import write_new
    from alerting_pipeline.domain.draft_ports import Signature

    folder, file = app.settings.definitions, tried.file
    if not is_committed:
        return str(write_new(folder, file.path, file.text)), None
    who = _person(app, person)
    author = Signature(who, app.loaded_definitions.people.people[who])
    commit = commit_new(folder, file.path, file.text, NewCommit(f"Add the alert {file.alert}", author))
    return str(folder / file.path), commit


def _outcome(written: str | None, commit: str | None, asked: Decided | None) -> str:
    if asked is not None:
        request = asked.request
        return (
            f"Draft {request.request_id} waits for approval by {', '.join(asked.waits_for)}, "
            f"until {request.expires_at:%Y-%m-%d}; nothing was written yet."
        )
    if written is None:
        return "Nothing was written."
    done = f"{written} was written" + (f" and committed as {commit[:10]}" if commit else "")
    return f"{done}; `alerting run` puts it into force."


def _print(tried: Tried) -> None:
    found = tried.preview
    click.echo(tried.file.text)
    click.echo(f"{count(found.violations, 'row')} would fire now")
    if found.sample:
        columns = list(dict.fromkeys(name for row in found.sample for name in row))
        print_table(columns, [[_cell(row.get(name)) for name in columns] for row in found.sample])
    if tried.report is None:
        click.echo(f"Its past is not known: {tried.unknown}")
    else:
        side = tried.report.shown
        days = (tried.report.end - tried.report.start).days
        click.echo(f"\nOver the last {days} days: {side.incidents:,} incidents, {side.incidents_per_week:.1f} a week")
        rows = [(each.recipient, f"{each.messages_per_week:.1f}", each.budget) for each in side.recipients]
        if rows:
            print_table(("recipient", "messages a week", "budget"), rows)
    for result in tried.cases:
        for wrong in result.differences:
            click.echo(f'case "{result.case}": {wrong}')
    if not any("fires" in str(each["name"]) for each in tried.draft.cases):
        click.echo("No row fires now, so no case shows that it does: write one before it is reviewed.")


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float | None) else str(value)


def _as_json(tried: Tried, written: str | None, commit: str | None, asked: Decided | None) -> dict[str, Any]:
    return {
        "alert": tried.draft.name,
        "path": tried.draft.path,
        "text": tried.file.text,
        "violations": tried.preview.violations,
        "rows": tried.preview.sample,
        "cases": [{"name": each.case, "differences": each.differences} for each in tried.cases],
        "report": tried.report,
        "unknown": tried.unknown or None,
        "written": written,
        "commit": commit,
        "draft": asked.request.request_id if asked else None,
        "draft_hash": tried.file.hash,
        "waits_for": list(asked.waits_for) if asked else [],
    }
