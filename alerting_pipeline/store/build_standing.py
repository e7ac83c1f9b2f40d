"""What failed in builds and stands since: what it holds, its incident, and what becomes due when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from alerting_pipeline.domain.build_trouble import Standing
from alerting_pipeline.domain.ports import Clock
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.domain.upstream import Upstream, told
from alerting_pipeline.domain.window import MATERIALIZATION, RECOVERED
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.incidents import clear_finding, record_finding
from alerting_pipeline.store.upstream_changes import changes_since, last_good, note_codes, note_good

NODE = "node:"


@dataclass(frozen=True, slots=True)
class BuildStanding:
    """Failing nodes of builds; each call is one transaction, with the incident and its messages."""

    engine: Engine
    in_force: Callable[[], InForce]
    clock: Clock
    public_url: str

    def standing(self) -> dict[str, Mapping[str, str]]:
        """The nodes that failed last, each with the built-in definition and the entity of its incident."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text("""
                select substr(part, 6) as node, detail -> 'about' as about
                from ledger.heartbeats where part like 'node:%' and detail -> 'failures' <> '[]'
                """)
            )
            return {row.node: row.about for row in rows}

    def fail(self, standing: Standing, finding: SystemFinding) -> None:
        """Hold the marts, and open the incident; one that stands already changes nothing."""
        detail = {
            "failures": [standing.sentence],
            "marts": list(standing.marts),
            "about": {"alert": finding.alert, **finding.entity},
        }
        announcer = self._announcer()
        with self.engine.begin() as connection:
            connection.execute(
                text("""
                insert into ledger.heartbeats (part, at, detail)
                values (:part, clock_timestamp(), cast(:detail as jsonb))
                on conflict (part) do update set at = excluded.at, detail = excluded.detail
                """),
                {"part": f"{NODE}{standing.unique_id}", "detail": json.dumps(detail)},
            )
            record_finding(connection, finding, now=self.clock.now(), announce=announcer)

    def recover(self, unique_id: str, alert: str, entity: Mapping[str, str], built: Sequence[str]) -> None:
        """It passes again: its incident ends, and the marts that no build is evaluating anyway become due."""
        announcer, now = self._announcer(), self.clock.now()
        with self.engine.begin() as connection:
            marts = connection.execute(
                text("""
                update ledger.heartbeats set at = clock_timestamp(), detail = detail || '{"failures": []}'
                where part = :part returning detail -> 'marts'
                """),
                {"part": f"{NODE}{unique_id}"},
            ).scalar()
            clear_finding(connection, alert, entity, now=now, announce=announcer)
            due = [mart for mart in marts or () if mart not in built]
            if due:
                make_due(connection, due, f"{NODE}{unique_id}")

    def begin(self, codes: Mapping[str, str]) -> datetime:
        """A build begins that runs this code, a digest by unique id; returns its instant."""
        with self.engine.begin() as connection:
            return note_codes(connection, codes)

    def finish(self, good: Collection[str], began: datetime) -> None:
        """These nodes were good in the build that began then."""
        with self.engine.begin() as connection:
            note_good(connection, good, began)

    def changed(self, unique_id: str, upstream: Upstream) -> str:
        """What changed upstream since the node was last good; where it never was, the newest changes."""
        with self.engine.connect() as connection:
            since = last_good(connection, unique_id)
            return told(changes_since(connection, upstream, since), is_since_good=since is not None)

    def _announcer(self) -> Announcer:
        held = self.in_force()
        return Announcer(held.directory(self.public_url), held.of_incidents)


def make_due(connection: Connection, marts: Sequence[str], why: str) -> None:
    """Note these marts as due for evaluation, because what held their alerts is over; in the caller's transaction."""
    connection.execute(
        text(f"""
        insert into ledger.due_work (work, due_window, due_at)
        select '{MATERIALIZATION}:' || mart, '{RECOVERED}' || extract(epoch from clock_timestamp()) || ':' || :why,
            clock_timestamp()
        from unnest(cast(:marts as text[])) as mart
        on conflict do nothing
        """),
        {"marts": list(marts), "why": why},
    )
