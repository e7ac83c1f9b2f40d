"""`alerting sql QUERY`: an analyst's look into the warehouse and the ledger's views, read only."""

from __future__ import annotations

import sys

import click

from alerting_pipeline.cli.output import json_option, print_json, print_table
from alerting_pipeline.domain.errors import BadCall

DEFAULT_LIMIT = 1000


@click.command("sql")
@click.argument("query")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=DEFAULT_LIMIT, show_default=True, help="Most rows shown."
)
@json_option
def sql(query: str, limit: int, as_json: bool) -> None:
    """Run QUERY as the analyst role and print its rows; `-` reads it from standard input.

    It may read raw, staging, intermediate, marts and the views in alerting, in that database alone, and never write.
    Unqualified names are looked up in marts first, then in alerting. Ctrl-C stops it.
    """
    from alerting_pipeline.app import App

    text = (sys.stdin.read() if query == "-" else query).strip().removesuffix(";")
    if not text.strip():
        raise BadCall('The query is empty; write one, such as alerting sql "select * from incidents"')
    with App.from_environment() as app:
        answer = app.analyst_desk.ask(text, limit)
    if as_json:
        names = _distinct(answer.columns)
        print_json([dict(zip(names, row, strict=True)) for row in answer.rows])
    else:
        print_table(answer.columns, answer.rows)
    count = len(answer.rows)
    if answer.is_cut:
        click.echo(f"the first {count:,} rows; there are more: --limit {limit * 10}", err=True)
    elif not as_json:
        click.echo("1 row" if count == 1 else f"{count:,} rows", err=True)


def _distinct(columns: tuple[str, ...]) -> list[str]:
    """`select 1 as a, 2 as a` is legal SQL, but a JSON object would lose one of them: a, a_2."""
    seen: dict[str, int] = {}
    names = []
    for column in columns:
        seen[column] = seen.get(column, 0) + 1
        names.append(column if seen[column] == 1 else f"{column}_{seen[column]}")
    return names
