"""One message per meaningful case, and the strings that must stay what they are: text."""

from __future__ import annotations

from dataclasses import replace

from alerting_pipeline.rendering.message import Field, Line, Message, Section

OPENED = Message(
    alert="large_transaction",
    transition="opened",
    title="Large transaction",
    summary="Fred Enriquez: $15,000 is over the limit of $10,000",
    incident_id=41,
    severity="high",
    emoji="💳",
    system="payments",
    description="A card transaction above the review limit of its customer segment.",
    deviance="1.5 × the limit",
    owner="risk-ops",
    respond_within="4 h",
    due_at="2026-01-05T09:00:00+00:00",
    opened_at="2026-01-05T05:00:00+00:00",
    occurred_at="2026-01-05T04:22:00+00:00",
    link="https://backoffice.example.com/transactions/t1?tab=review&from=alert",
    runbook="https://runbooks.example.com/large_transaction",
    incident_url="http://localhost:8080/incidents/41",
    thread="large_transaction.6f1f.41",
    entity={"transaction_id": "t1"},
    fields=(Field("Merchant", "Computer & Sons"), Field("Segment", "retail")),
    record={"transaction_id": "t1", "merchant": "Computer & Sons", "segment": "retail", "amount": 15000},
)

CASES: dict[str, Message] = {
    "opened": OPENED,
    "updated": replace(OPENED, transition="updated", severity="critical", deviance="12 × the limit"),
    "acknowledged": replace(OPENED, transition="acknowledged", status="acknowledged", note="Taken by Ada."),
    "cleared": replace(
        OPENED,
        transition="cleared",
        status="resolved",
        resolved_at="2026-01-05T06:00:00+00:00",
        note="The condition no longer holds.",
    ),
    "resolved_by_person": replace(
        OPENED,
        transition="resolved",
        status="resolved",
        resolved_at="2026-01-05T06:00:00+00:00",
        note="Resolved by Ada: false positive.",
    ),
    "late_delivery": replace(
        OPENED,
        alert="late_delivery",
        title="Late delivery",
        emoji="🚚",
        system="logistics",
        summary="Order D-7 for Marta is late",
        deviance="3 h 20 min late",
        runbook="docs/runbooks/late_delivery.md",
        fields=(Field("Region", "north"), Field("Carrier", "Swift")),
    ),
    "data_failure": replace(
        OPENED, kind="data", alert="transactions_complete", title="Transactions are stale", emoji="", deviance=""
    ),
    "system_failure": replace(
        OPENED,
        kind="system",
        alert="dead_letter",
        title="Message could not be delivered",
        emoji="🛠️",
        fields=(),
        link="",
    ),
    "least": Message(alert="x", transition="opened", title="X", summary="something is wrong"),
    "test_message": replace(OPENED, is_test=True),
    "many_fields": replace(OPENED, fields=tuple(Field(f"Field {n}", f"value {n}") for n in range(60))),
}

CASES["digest"] = Message(
    alert="digest",
    transition="digest",
    title="Digest: 14 incidents",
    summary="13 incidents to look at; 1 incident ended since.",
    severity="high",
    emoji="🗞️",
    note="the daily digest of 2026-01-06 08:00 UTC",
    incident_url="http://localhost:8080/",
    sections=(
        Section(
            "💳 Large transaction: 2",
            (
                Line(
                    "Fred Enriquez: $15,000 is over the limit of $10,000",
                    "high",
                    "since 5 January 2026, 05:00 UTC, taken by ada",
                    "http://localhost:8080/incidents/41",
                ),
                Line(
                    "Computer & Sons: $12,000 is over the limit of $10,000",
                    "medium",
                    "cleared, 5 January 2026, 06:00 UTC",
                    "http://localhost:8080/incidents/40",
                    is_over=True,
                ),
            ),
        ),
        Section("🚚 Late delivery: 12", (Line("Order D-7 for Marta is late", "medium"),), more=11),
    ),
)

HOSTILE: dict[str, str] = {
    "everyone": "<!everyone> <!channel> <!here> @here @channel",
    "user_mention": "<@U012AB3CD> and <#C012AB3CD|general> and <!subteam^S1>",
    "slack_link": "<https://evil.example|click me>",
    "bare_link": "see https://evil.example/login now",
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "entity": "&lt;b&gt; &amp; &#60;",
    "formula": '=HYPERLINK("https://evil.example";"pay")',
    "formula_plus": "+1+cmd|' /C calc'!A0",
    "formula_at": "@SUM(1+1)",
    "formula_tab": "\t=1+1",
    "template": "{{ 7 * 7 }}{% for x in y %}${7*7}#{7*7}",
    "markdown_link": "[pay here](https://evil.example) ![x](https://evil.example/p.png)",
    "markdown": "# heading\n> quote\n* list\n`code` | cell | **bold** ~gone~ _it_",
    "right_to_left": "invoice\u202egnp.exe\u202c \u2066hidden\u2069",
    "newlines": "first\nOwner: nobody\r\nBcc: victim@example.com\n\n.\nQUIT",
    "controls": "a\x00b\x07c\x1b[31mred\x7f",
    "long": "x" * 5_000,
    "long_escaped": "&<>" * 1_700,
    "sql": "'; drop table ledger.outbox; --",
    "surrogate": "half \ud83d pair",
    "emoji_storm": "👩‍👩‍👧‍👦" * 800,
    "markup": "[bold red]rich[/] %s %(x)s {0} {x.__class__}",
}


def hostile_sample(text: str) -> Message:
    """The text in the places where it usually turns up: short enough to be read by eye."""
    return replace(OPENED, title=text, summary=text, fields=(Field("Merchant", text),), record={"merchant": text})


def hostile(text: str) -> Message:
    """The text wherever data or a definition can put one."""
    return replace(
        OPENED,
        title=text,
        summary=text,
        system=text,
        description=text,
        deviance=text,
        owner=text,
        severity=text,
        emoji=text,
        respond_within=text,
        due_at=text,
        occurred_at=text,
        note=text,
        link=f"https://example.com/{text}",
        runbook=f"javascript:{text}",
        entity={"transaction_id": text},
        fields=(Field(text, text), Field("Plain", text)),
        record={"transaction_id": text, "merchant": text},
    )


def hostile_digest(text: str) -> Message:
    """The same of a message about several incidents."""
    lines = tuple(Line(text, text, text, f"https://example.com/{text}", is_over) for is_over in (False, True))
    return replace(CASES["digest"], title=text, summary=text, note=text, sections=(Section(text, lines, more=3),) * 3)
