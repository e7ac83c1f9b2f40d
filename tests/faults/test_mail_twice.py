"""What a sink without a key receives twice is never a secret: each duplicate stands in the ledger."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.domain.waypoint import Waypoint
from tests.conftest import Database
from tests.faults.delivery_worker import Death
from tests.faults.delivery_world import died_by_kill, make_world
from tests.soak.promise import Measured, Promise, shows

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
PROMISE = Promise(
    "duplicates",
    "one key per (incident, transition, channel, recipient); where a sink can't use it, a duplicate is in the ledger",
    "{count} × kill -9 between the mail server's answer and its record",
    5,
    100,
)


@shows(PROMISE)
def test_each_mail_that_arrives_twice_is_in_the_ledger(database: Database, home: Path, measured: Measured) -> None:
    with make_world(database, home, only="team") as world, psycopg.connect(database.owner_url) as connection:
        for turn in range(measured.count):
            world.put(1)
            with world.worker(Death(Waypoint.AFTER_SEND)) as process:
                process.join(20)
                assert died_by_kill(process), turn
            connection.execute("update ledger.outbox set leased_until = clock_timestamp() where status = 'leased'")
            connection.commit()
        world.finish()
        arrived = Counter(str(mail["Message-ID"])[1:37] for mail in world.mail.mails)
        wanted = {str(row[0]) for row in connection.execute("select delivery_id from ledger.outbox")}
        noted = dict(
            connection.execute(
                "select delivery_id::text, count(*) from ledger.delivery_attempts "
                "where result in ('uncertain', 'sent again') group by 1"
            ).fetchall()
        )
    twice = {identity: times for identity, times in arrived.items() if times > 1}
    assert arrived.keys() == wanted
    assert len(wanted) == world.incidents
    assert twice, "nothing arrived twice: nothing was shown"
    assert {identity for identity, times in twice.items() if noted.get(identity, 0) < times - 1} == set()
    again = sum(twice.values()) - len(twice)
    measured.says(
        f"{measured.count} kills, {len(wanted)} mails: 0 lost, each under one Message-ID; {again} came again, "
        f"{again} of them in the ledger"
    )
