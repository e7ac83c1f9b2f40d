"""`alerting …`: one use case per verb. A command is imported when it is called, so that each starts fast."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence

import click

from alerting_pipeline.domain.errors import AlertingError, BadCall

# In the order of a person's first hour; the module is imported only when its command is called.
COMMANDS = {
    "demo": ("demo", "the sample company, end to end"),
    "up": ("up", "everything on your own configuration: Postgres, Dagster, delivery, pages"),
    "run": ("run", "one whole pass: load, build, evaluate, deliver"),
    "load": ("load", "load what has arrived into raw tables"),
    "sql": ("sql", "a query as the analyst role, read only"),
    "validate": ("definitions", "check all definition files"),
    "schema": ("definitions", "JSON Schema of a definition, for editors"),
    "exposures": ("exposures", "what dbt's lineage shows behind the marts"),
    "show": ("definitions", "a definition as it is in force"),
    "new": ("new", "a new alert from a few answers, tried out before it is written"),
    "drafts": ("drafts", "new alerts that wait for approval: list, show, approve, reject"),
    "plan": ("plan", "what changed definitions would do"),
    "preview": ("preview", "what an alert would say now: query, rows, route, messages"),
    "history": ("history", "the versions of a definition: when, by whom, what changed"),
    "route": ("routing", "which destinations an alert or an incident reaches, and why"),
    "rota": ("routing", "who is on call when"),
    "test": ("evaluation", "run the cases of definitions on the real engine"),
    "evaluate": ("evaluation", "evaluate now"),
    "backtest": ("backtest", "replay the past with other values, and see what would have come of it"),
    "calibrate": ("calibrate", "ask for the value that keeps a volume or a precision, with the evidence"),
    "incidents": ("incidents", "list, show, acknowledge, assign, snooze, resolve, act"),
    "parameters": ("parameters", "values that people change: list, propose, approve, reject, history, revert"),
    "silences": ("silences", "what nobody is told of for a while: list, add, end"),
    "snoozes": ("snoozes", "entities and definitions that are snoozed: list, end"),
    "budget": ("budget", "how many messages each recipient wants, had, and which alerts they were of"),
    "reports": ("reports", "messages on a schedule: list, preview, send, unsubscribe"),
    "outbox": ("outbox", "messages waiting, sent and dead"),
    "write-back": ("write_back", "rows in sheets and tables: what waits for approval, what was written"),
    "tickets": ("tickets", "which incident has which ticket, and reading them back"),
    "deliver": ("outbox", "hand over what is due"),
    "explain": ("explain", "what an error means, and what to do"),
    "send-test": ("send_test", "try out the way to a destination"),
    "doctor": ("doctor", "what is configured, reachable, overdue"),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"alerting_pipeline.cli.{COMMANDS[cmd_name][0]}")
        return getattr(module, cmd_name.replace("-", "_"))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise BadCall(f'"{args[0]}" is not a command{_did_you_mean(args[0])}; `alerting --help` lists them')
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="alerting-pipeline", message="%(version)s")
def alerting() -> None:
    """Business alerting on a warehouse: from dbt model to incident to person.

    Every command takes --json. Exit code 0: fine; 1: findings or failure; 2: bad call.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The console entry: every error is one sentence on standard error, and an exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = alerting.main(args=list(arguments), prog_name="alerting", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except AlertingError as error:
        _complain(str(error), arguments)
        sys.exit(2 if isinstance(error, BadCall) else 1)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.UsageError as error:
        where = f"; see `{error.ctx.command_path} --help`" if error.ctx else ""
        _complain(error.format_message().rstrip(".") + where, arguments)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _complain("stopped", arguments)
        sys.exit(130)
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if not _is_lost_database(error):
            raise
        _complain("The database went away; what was not finished is taken up by the same command again", arguments)
        sys.exit(1)


def _is_lost_database(error: Exception) -> bool:
    """Did the server end, or end the connection? Imported here: a command that asks no database doesn't pay for it."""
    import psycopg
    from sqlalchemy.exc import DBAPIError

    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or "08"  # without a code, no server was there to give one
    return isinstance(cause, psycopg.OperationalError) and state.startswith(("08", "57P"))


def _complain(sentence: str, arguments: Sequence[str]) -> None:
    if "--json" in arguments:
        click.echo(json.dumps({"error": sentence}, ensure_ascii=False))
    click.echo(f"alerting: {sentence}", err=True)


def _did_you_mean(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
