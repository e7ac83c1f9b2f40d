"""A dbt test fails in a real build: whoever is on call this week hears of it, with its runbook and what waits for it;
it climbs until somebody takes it; business hears nothing until the data are repaired, and then what was held.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.settings import read_settings
from tests.defs.shop import lay_out

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(400)]

PEOPLE = """\
version: 1
people:
  ada: {name: Ada, email: ada@example.com}
  farah: {name: Farah, email: farah@example.com, slack: U0000FARAH}
  goran: {name: Goran, email: goran@example.com, slack: U0000GORAN}
  ines: {name: Ines, email: ines@example.com, slack: U00000INES}
teams:
  shop-team: {members: [ada]}
  data-team:
    members: [farah, goran]
    lead: ines
    slack: "#data-team"
    audience: engineering
    hours: {from: "09:00", to: "18:00", timezone: Europe/Berlin}
    rota: {starts: 2026-01-05, hand_over: mon 09:00, weekly: [farah, goran]}
    escalation: {on_call_after: 30m, lead_after: 2h}
"""
ROUTING = """\
version: 1
fallback: ["#data-team"]
routes:
  - {name: broken, match: {kind: [data, system]}, destinations: ["#data-team", "@data-team"]}
  - {name: all, destinations: ["#risk"]}
"""
DESTINATIONS = """\
version: 1
destinations: {"#risk": {channel: slack}, "#data-team": {channel: slack, audience: engineering}}
"""
STAGING = """\
models:
  - name: stg_orders
    config: {meta: {alerting: {runbook: docs/runbooks/orders.md}}}
    columns: [{name: amount, data_tests: [not_null]}]
"""
TEST = "not_null_stg_orders_amount"


@dataclass
class Story:
    """A shop on its own project, told through the command line; the clock stands where the story is."""

    project: Path
    app: App
    clock: str = ""
    heard: list[tuple[str, str, str]] = field(default_factory=list)

    def at(self, clock: str) -> Story:
        """Time goes on; what it makes due happens."""
        self.clock = clock
        self.alerting("deliver", "--once")
        return self

    def alerting(self, *arguments: str, exits: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "alerting_pipeline.cli", *arguments], cwd=self.project, capture_output=True,
            env={**os.environ, "ALERTING_HOME": str(self.app.settings.home), "ALERTING_AS_OF": self.clock},
            text=True, timeout=200, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == exits, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def arrives(self, day: str, **orders: str) -> Story:
        """The shop's file of a day, again where it was there; an empty amount is NULL."""
        folder = self.app.settings.landing / "order_lines"
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["order_id,amount", *(f"{order},{amount}" for order, amount in orders.items())]
        (folder / f"{day}.csv").write_text("\n".join(lines) + "\n")
        return self

    def rows(self, query: LiteralString) -> list[Any]:
        with psycopg.connect(self.app.owner_url) as connection:
            return connection.execute(query).fetchall()

    def messages(self) -> list[Message]:
        return [Message.from_json(row[0]) for row in self.rows("select message from ledger.outbox order by sequence")]

    def expect(self, *told: tuple[str, str, str]) -> Story:
        """Since the last look, these were told: alert, what happened, where; and nothing else."""
        found = self.rows("select alert, transition, destination from ledger.outbox order by sequence")
        new, self.heard = found[len(self.heard) :], found
        assert sorted(new) == sorted(told)
        return self


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    project = tmp_path_factory.mktemp("a shop whose data fail")
    lay_out(project)
    slow, alert = project / "dbt_project/models/marts/slow.sql", project / "alert_definitions/large_order.yaml"
    slow.write_text(slow.read_text().replace("pg_sleep(6)", "pg_sleep(0)"))
    alert.write_text(alert.read_text().replace("respond_within: 1h", "respond_within: 7d"))
    (project / "dbt_project/models/staging/models.yml").write_text(STAGING)
    for name, text in (("people", PEOPLE), ("routing", ROUTING), ("destinations", DESTINATIONS)):
        (project / f"alert_definitions/{name}.yaml").write_text(text)
    (project / "docs/runbooks").mkdir(parents=True)
    (project / "docs/runbooks/orders.md").write_text("# Orders\n\nAsk the shop to send the file again.\n")
    with App(read_settings({"ALERTING_HOME": str(project / "home")}, start=project)) as app:
        yield Story(project, app)


def test_while_all_is_well_business_hears_of_business(story: Story) -> None:
    story.arrives("2026-01-13", o1="50", o2="150").at("2026-01-14T08:00:00Z").alerting("run")
    story.expect(("large_order", "opened", "#risk"))


def test_a_failing_test_is_one_incident_for_whoever_is_on_call_with_its_runbook_and_what_it_holds(story: Story) -> None:
    story.arrives("2026-01-14", o3="", o4="900").at("2026-01-14T10:00:00Z").alerting("run", exits=1)
    story.expect(("data_test", "opened", "#data-team"), ("data_test", "opened", "@goran"))  # a Wednesday of Goran's
    [(kind, entity, summary)] = story.rows(
        "select kind, entity, summary from ledger.incidents where alert <> 'large_order'"
    )
    assert (kind, entity) == ("data", {"model": "stg_orders", "test": TEST})
    assert summary == f"stg_orders: the test {TEST} failed for 1 row. Held until it passes: large_order."
    told = story.messages()[-1]
    said = {each.label: each.value for each in told.fields}
    changed = said.pop("Changed upstream")
    assert changed.endswith("UTC loaded order_lines: 2026-01-14.csv (2 rows)") and ";" not in changed
    assert said == {"Alerts held": "large_order", "Failing rows": "1"}
    assert (told.runbook, told.severity, told.owner) == ("docs/runbooks/orders.md", "high", "data-team")
    assert story.rows("select outcome from ledger.evaluations order by evaluation_id desc limit 1") == [
        ("data_failure",)
    ]
    assert story.rows("select held_since is not null from ledger.incidents where alert = 'large_order'") == [(True,)]


def test_it_climbs_until_somebody_takes_it_and_a_repeated_build_says_nothing_new(story: Story) -> None:
    story.at("2026-01-14T10:29:00Z").expect()
    story.at("2026-01-14T10:30:00Z").expect(("data_test", "escalated", "@goran"))
    story.alerting("run", exits=1)
    story.expect()
    story.at("2026-01-14T12:00:00Z").expect(("data_test", "escalated", "@ines"))
    [(number,)] = story.rows("select incident_id from ledger.incidents where alert = 'data_test'")
    story.alerting("incidents", "acknowledge", str(number), "--as", "ines", "--note", "the shop sends it again")
    story.expect(*(("data_test", "acknowledged", name) for name in ("#data-team", "@goran", "@ines")))


def test_repaired_data_end_it_and_what_was_held_is_told(story: Story) -> None:
    story.arrives("2026-01-14", o3="20", o4="900").at("2026-01-14T14:00:00Z").alerting("run")
    story.expect(
        *(("data_test", "cleared", name) for name in ("#data-team", "@goran", "@ines")),
        ("large_order", "opened", "#risk"),
    )
    assert story.messages()[-1].entity == {"order_id": "o4"}
    assert story.rows(
        "select entity ->> 'order_id', status, held_since from ledger.incidents where alert = 'large_order' order by 1"
    ) == [("o2", "open", None), ("o4", "open", None)]


def test_the_postmortem_tells_it_from_the_build_to_the_repair(story: Story) -> None:
    text = story.alerting("incidents", "postmortem", "2").replace("\\", "")
    assert text.startswith("# Postmortem: Data test failed (incident 2)")
    facts = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE))
    assert facts["Opened"] == "2026-01-14 10:00 UTC (2026-01-14 11:00 Europe/Berlin)"
    assert facts["Taken"] == "2026-01-14 12:00 UTC (2026-01-14 13:00 Europe/Berlin) by ines, after 2 h"
    assert facts["Time allowed"].endswith("kept") and facts["Ended"].endswith("as cleared, after 4 h")
    assert facts["Runbook"] == "docs/runbooks/orders.md" and facts["Alerts held"] == "large_order"
    assert facts["Changed upstream"].endswith("UTC loaded order_lines: 2026-01-14.csv (2 rows)")
    timeline = [row.strip("| ").split(" | ") for row in text.splitlines() if row.startswith("| 2026-01-14 1")]
    assert [(row[0], row[2].split(" (")[0], row[4]) for row in timeline] == [
        ("2026-01-14 10:00", "opened", "#data-team, @goran"),
        ("2026-01-14 10:30", "escalated", "@goran"),
        ("2026-01-14 12:00", "escalated", "@ines"),
        ("2026-01-14 12:00", "acknowledged", "#data-team, @goran, @ines"),
        ("2026-01-14 14:00", "cleared", "#data-team, @goran, @ines"),
    ]
    assert "| large_order | data_failure | 2 | 2026-01-14 10:00 | 2026-01-14 10:30 |" in text
    assert "## Root cause" in text
