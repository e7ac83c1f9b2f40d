"""What `alerting parameters` shows: which value goes before which and where each is from, and requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import click

from alerting_pipeline.cli.output import print_table
from alerting_pipeline.domain.change_request import ALWAYS
from alerting_pipeline.domain.parameters import Parameter


def print_explained(values: Sequence[Mapping[str, Any]]) -> None:
    """A table for each alert, of what `standing_values` gives."""
    for alert, of_alert in groupby(values, key=lambda each: each["alert"]):
        rows = [
            (
                each["parameter"], each["precedence"], each["for"], _value(each), _rules(each), _time(each),
                each["where from"], each["reason"],
            )
            for each in of_alert
        ]  # fmt: skip
        columns = ("parameter", "precedence", "for", "value", "what can be set", "holds", "where from", "reason")
        print_table(columns, rows, title=alert)
        click.echo()
    click.echo("An entity's own value goes before that of its segment, that before the default, which rows take whose")
    click.echo("segment is NULL or has no value: alerting.evaluations counts those that fired (unknown_segments).")
    if any(each["relative"] for each in values):
        click.echo("A relative value makes a threshold of what its row has in those columns; NULL there holds the row.")
    if any(each["scope"] == "entry" for each in values):
        click.echo("The default of a list is all its entries that are in it now; each has its own time.")


def print_requests(rows: Iterable[Mapping[str, Any]]) -> None:
    """Requests with what they would do; nothing where there are none."""
    from alerting_pipeline.rendering.impact_text import impact_lines

    rows = list(rows)
    if not rows:
        return
    columns = ("request_id", "status", "parameter", "old", "new", "by", "reason", "answer")
    shown = [
        {
            **row,
            "parameter": f"{row['alert']}.{row['parameter']}{f' ({each})' if (each := row['scope_value']) else ''}",
            **_moved(row),
            "by": row["requested_by"],
            "answer": row["answer"] or f"waits for {' or '.join(row['approvers'])} until {row['expires_at']:%Y-%m-%d}",
        }
        for row in rows
    ]
    print_table(columns, [[row[column] for column in columns] for row in shown], title="\nRequests")
    for row in rows:
        for label, text in impact_lines(row["impact"]).items():
            click.echo(f"request {row['request_id']}, {label.lower()}: {text}")


def _value(each: Mapping[str, Any]) -> str:
    return f"{each['value']} {each['unit']}" if each["unit"] and each["scope"] != "entry" else each["value"]


def _rules(each: Mapping[str, Any]) -> str:
    if each["scope"] == "entry":
        return ""
    low, high = (None if bound is None else Parameter.write(bound) for bound in (each["minimum"], each["maximum"]))
    bounds = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else ""
    step = f"by steps of {each['step']}" if each["step"] else ""
    return ", ".join(part for part in (bounds, step, each["relative"]) if part)


def _time(each: Mapping[str, Any]) -> str:
    start: datetime = each["from"]
    since = "from the start" if start == ALWAYS else f"from {start:%Y-%m-%d %H:%M}"
    return f"{since} until {each['until']:%Y-%m-%d %H:%M}" if each["until"] else since


def _moved(row: Mapping[str, Any]) -> dict[str, str]:
    """An entry of a list has no value to show: it is in the list, or it isn't."""
    from alerting_pipeline.domain.list_entry import LEFT_OUT

    if row["scope"] != "entry":
        return {}
    return {each: "not in the list" if row[each] == LEFT_OUT else "in the list" for each in ("old", "new")}
