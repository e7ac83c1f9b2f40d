"""The postmortem: what the ledger knows is in it, and nothing in the data can make it say something else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerting_pipeline.rendering.postmortem import postmortem
from tests.rendering.accounts import ACCOUNT, EVENTS, INCIDENT, OPENED
from tests.rendering.cases import HOSTILE
from tests.rendering.golden import FOLDER


def test_the_postmortem_is_as_it_was_read_last() -> None:
    assert postmortem(ACCOUNT) == (FOLDER / "postmortem.md").read_text(encoding="utf-8")


def test_both_clocks_are_right_over_the_change_of_the_clocks() -> None:
    rows = [line for line in postmortem(ACCOUNT).splitlines() if line.startswith("| 2026")]
    assert rows[0].startswith("| 2026-03-29 00:40 | 2026-03-29 01:40 |")
    assert rows[1].startswith("| 2026-03-29 01:10 | 2026-03-29 03:10 |")


def test_an_incident_that_nobody_took_says_so() -> None:
    bare = {**INCIDENT, "acknowledged_at": None, "responded_at": None, "resolved_at": None, "resolution": None}
    text = postmortem(replace(ACCOUNT, incident=bare, held_back=(), waited=(), deliveries=()))
    assert "| Taken | by nobody |" in text and "| Ended | not yet |" in text and "nobody has responded yet" in text
    assert "Messages held back" not in text and "did not arrive" not in text
    late = {**INCIDENT, "responded_at": INCIDENT["due_at"].replace(hour=9), "sla_breached_at": OPENED}
    assert "not kept" in postmortem(replace(ACCOUNT, incident=late))


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_value_makes_a_heading_a_link_or_a_row(hostile: str) -> None:
    plain = postmortem(ACCOUNT)
    incident = {
        **INCIDENT, "summary": hostile, "entity": {"test": hostile}, "owner": hostile, "fields": {"rows": hostile},
        "acknowledged_by": hostile,
    }  # fmt: skip
    events = [{**event, "actor": hostile, "detail": {"note": hostile}} for event in EVENTS]
    text = postmortem(replace(ACCOUNT, title=hostile, runbook=hostile, incident=incident, events=events))

    def headings(document: str) -> list[str]:
        return [line for line in document.splitlines() if line.startswith("#")][1:]

    assert headings(text) == headings(plain)
    for line in text.splitlines():
        bars = line.replace("\\\\", "").replace("\\|", "")
        assert not line.startswith("|") or bars.count("|") in (3, 4, 6), line
    unescaped = text.replace("\\\\", "").replace("\\[", "").replace("\\<", "").replace("\\!", "")
    assert "](" not in unescaped and "<" not in unescaped and "![" not in unescaped
