"""`alerting budget`: what each recipient wants to hear at most, had, and had kept for the digest; by alert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, print_json, print_table
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.nearest import did_you_mean

if TYPE_CHECKING:
    from alerting_pipeline.domain.budget_use import BudgetUse

_SHOWN = 3


@click.command("budget")
@click.argument("recipient", required=False)
@json_option
def budget(recipient: str | None, as_json: bool) -> None:
    """Every recipient with a budget: its limit, what of it is used, and the last week by alert.

    `used` counts the messages of the budget's own window, which slides; what is above it went to the digest.
    """
    from alerting_pipeline.domain.recipient import recipients_with_budget

    with App.from_environment() as app:
        known = recipients_with_budget(app.definition_ledger.in_force().people)
        if recipient is not None and recipient not in known:
            hint = did_you_mean(recipient, known) or f"those who have are {', '.join(sorted(known)) or 'nobody yet'}"
            raise BadCall(f'"{recipient}" has no budget in people.yaml; {hint}')
        wanted = [each for name, each in sorted(known.items()) if recipient in (None, name)]
        uses = app.budget_uses.of(wanted, app.clock.now())
    if as_json:
        print_json([_facts(use) for use in uses])
        return
    columns = ("recipient", "limit", "used", "told in a week", "kept for the digest", "by alert")
    print_table(columns, [_line(use, None if recipient else _SHOWN) for use in uses])
    if not uses:
        click.echo("Nobody has a budget; give a team or a person one in people.yaml, such as `budget: 5 per week`.")


def _facts(use: BudgetUse) -> dict[str, Any]:
    alerts = [
        {
            "alert": name,
            "told": use.told.get(name, 0),
            "kept": use.kept.get(name, 0),
            "share": round(use.share(name), 3),
        }
        for name in use.alerts
    ]
    return {
        "recipient": use.recipient.name, "limit": use.limit, "used": use.used, "told_in_a_week": sum(use.told.values()),
        "kept_for_the_digest": sum(use.kept.values()), "alerts": alerts,
    }  # fmt: skip


def _line(use: BudgetUse, most: int | None) -> tuple[Any, ...]:
    shown = [f"{alert} {use.share(alert):.0%}" for alert in use.alerts[:most]]
    more = [f"{len(use.alerts) - len(shown)} more"] if len(use.alerts) > len(shown) else []
    return (
        use.recipient.name, use.limit, use.used, sum(use.told.values()), sum(use.kept.values()),
        ", ".join([*shown, *more]),
    )  # fmt: skip
