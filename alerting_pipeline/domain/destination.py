"""Destinations: the named places that messages and rows go to, as destinations.yaml states them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from alerting_pipeline.domain.people import Audience, is_email
from alerting_pipeline.domain.written import Strict

PARAMETER_SHEET = "parameter_sheet"
"""A sheet in which people type new values for parameters. It stands among the destinations, and takes no message."""
CHANNELS = (
    "slack", "email", "webhook", "pagerduty", "ticket", "apprise", "sheet", "table", "csv", "file", PARAMETER_SHEET
)  # fmt: skip
"""The channels that are built in; others come by the entry points of group alerting_pipeline.channels."""
TABLE_SCHEMA = "operations"
"""The one schema whose tables may be written to: what stands outside it belongs to others."""
_TABLE = re.compile(rf"{TABLE_SCHEMA}\.[a-z_][a-z0-9_]{{0,62}}")


class Destination(Strict):
    """One destination. `settings` belong to its channel, which checks them; secrets are named by their variable.

    `audience` engineering marks those who look after data and system: only they are told of data and system failures.
    """

    name: str
    channel: str = Field(description="How it is reached: a built-in channel, or one that a package brings.")
    settings: Mapping[str, Any] = Field(
        default_factory=dict, description="What the channel needs; may be written beside channel."
    )
    audience: Audience = Field(
        default="business", description="engineering: may be told of data and system failures as well."
    )


INBOX = Destination(name="local inbox", channel="file", audience="engineering")
"""The last resort: where everything goes for which no file names a destination that may receive it."""

REPORT_MAIL = Destination(name="report mail", channel="email")
"""Where all messages of reports go: one lane of the outbox, whose messages bring their recipients along. An entry of
this name in destinations.yaml sets its pace."""


def ad_hoc(entry: str) -> Destination | None:
    """What needs no entry in destinations.yaml: `#risk` is a Slack channel, `a@b` a mail address, `operations.reviews`
    a table of the schema that may be written to; and what is built in.
    """
    if entry in (INBOX.name, REPORT_MAIL.name):
        return INBOX if entry == INBOX.name else REPORT_MAIL
    if entry.startswith("#") and len(entry) > 1:
        return Destination(name=entry, channel="slack", settings={"to": entry})
    if is_email(entry):
        return Destination(name=entry, channel="email", settings={"to": [entry]})
    if is_table(entry):
        return Destination(name=entry, channel="table", settings={"table": entry})
    return None


def is_table(name: str) -> bool:
    """Is it the name of a table that may be written to, with its schema?"""
    return _TABLE.fullmatch(name) is not None
