"""The health of each mart, for evaluations that no build starts: by the clock, by a person.

What its last build said of it, and what stands against anything that it is built from: a failing test, a model that
could not be built, a data definition. Those can fail, or pass again, without the mart being built.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Engine, text

from alerting_pipeline.domain.evaluation import HEALTHY, Health
from alerting_pipeline.domain.health import ReadyModel


@dataclass(frozen=True, slots=True)
class PostgresMartHealth:
    """What the last build said of each mart. One that no build was ever told of counts as healthy."""

    engine: Engine

    def note(self, ready: ReadyModel) -> None:
        """Keep what a build said of one mart, in place of what was known before."""
        detail = {"failures": list(ready.build_failures), "materialization": ready.materialization_id}
        with self.engine.begin() as connection:
            connection.execute(
                text("""
                insert into ledger.heartbeats (part, at, detail)
                values ('mart:' || :model, clock_timestamp(), cast(:detail as jsonb))
                on conflict (part) do update set at = excluded.at, detail = excluded.detail
                """),
                {"model": ready.name, "detail": json.dumps(detail)},
            )

    def of(self, models: Iterable[str]) -> Health:
        """The health of what a definition reads: as bad as its worst mart."""
        names = list(models)
        with self.engine.connect() as connection:
            found = connection.execute(
                text("""
                select failure from ledger.heartbeats, jsonb_array_elements_text(detail -> 'failures') failure
                where part = any(:parts)
                union
                select failure
                from ledger.heartbeats as h, jsonb_array_elements_text(h.detail -> 'failures') failure
                where h.part like 'node:%' and h.detail -> 'marts' ?| cast(:models as text[])
                union
                select failure
                from ledger.definitions as d
                join ledger.heartbeats as h on h.part = 'data:' || d.alert,
                    jsonb_array_elements_text(h.detail -> 'failures') failure
                where d.kind = 'data' and d.removed_at is null and h.detail -> 'marts' ?| cast(:models as text[])
                order by failure
                """),
                {"parts": [f"mart:{model}" for model in names], "models": names},
            ).scalars()
            failures = tuple(found)
        return Health(failures) if failures else HEALTHY
