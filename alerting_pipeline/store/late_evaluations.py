"""What should have been evaluated and was not, whatever kept whoever should have done it: alerts, data, reports.

By a schedule: two of its windows came since the alert was last evaluated (one may still be under way). By
materializations: what it reads was built after its last evaluation, and longer ago than an evaluation takes to follow.
A failing evaluation counts as one; it has an incident of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.definition_set import DefinitionSet
from alerting_pipeline.domain.pulse import TOLERANCE, Late
from alerting_pipeline.domain.relation import models_read
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.window import CRON, REPORT, windows_between
from alerting_pipeline.store.upstream_changes import BUILDS


@dataclass(frozen=True, slots=True)
class LateEvaluations:
    """Looks at the ledger; writes nothing."""

    engine: Engine

    def of(self, held: DefinitionSet, now: datetime) -> list[Late]:
        """Of everything that is in force: alerts, data definitions and reports."""
        return [
            *self.among(held.alerts.values(), now),
            *self._by_build([each for each in held.data.values() if not each.is_paused(now)]),
            *self._by_window(REPORT, [each for each in held.reports.values() if not each.is_paused(now)], now),
        ]

    def among(self, definitions: Iterable[AlertDefinition], now: datetime) -> list[Late]:
        """Those of the definitions that are overdue at the business instant `now`; paused ones are not expected."""
        expected = [each for each in definitions if not each.is_paused(now)]
        by_clock = [each for each in expected if each.trigger.is_cron]
        by_mart = [each for each in expected if not each.trigger.is_cron]
        return [*self._by_window(CRON, by_clock, now), *self._by_mart(by_mart)]

    def _by_window(
        self, kind: str, definitions: Sequence[AlertDefinition | ReportDefinition], now: datetime
    ) -> list[Late]:
        """One that no schedule ever took up owes nothing yet. A report whose window is held, or waits for its
        recipients' hours, was taken up.
        """
        with self.engine.connect() as connection:
            rows = connection.execute(
                text("""
                select d.alert, greatest(max(w.due_at), d.last_evaluated_at) as done
                from ledger.definitions as d
                join ledger.due_work as w on w.work = :kind || ':' || d.alert
                    and (w.done_at is not null or :kind = :report)
                where d.alert = any(:alerts) group by d.alert, d.last_evaluated_at
                """),
                {"kind": kind, "report": REPORT, "alerts": [each.name for each in definitions]},
            )
            done = {row.alert: row.done for row in rows}
        found = []
        for each in definitions:
            if each.trigger.cron is None or each.name not in done:
                continue
            missed = windows_between(each.trigger.cron, each.trigger.timezone, done[each.name], now, most=2)
            if len(missed) == 2:
                found.append(Late(each.name, missed[0], "its schedule came twice, first"))
        return found

    def _by_build(self, definitions: Sequence[DataDefinition]) -> list[Late]:
        """A build ended well in which the model of a data definition was good, and nothing checked its data."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(f"""
                with builds as (
                    select split_part(key, '.', 3) as model, max((value ->> 'good')::timestamptz) as good
                    from ledger.heartbeats, jsonb_each(detail)
                    where part = '{BUILDS}' and key not like 'test.%' group by 1
                )
                select x.alert, b.good
                from unnest(cast(:alerts as text[]), cast(:models as text[])) as x (alert, model)
                join builds as b using (model)
                join ledger.definitions as d on d.alert = x.alert
                left join lateral (
                    select finished_at from ledger.evaluations as e where e.alert = x.alert
                    order by e.evaluation_id desc limit 1
                ) as e on true
                where b.good > coalesce(e.finished_at, d.published_at) and b.good < clock_timestamp() - :tolerance
                order by x.alert
                """),
                {
                    "alerts": [each.alert for each in definitions],
                    "models": [each.model for each in definitions],
                    "tolerance": TOLERANCE,
                },
            )
            return [Late(row.alert, row.good, "its model was built") for row in rows]

    def _by_mart(self, definitions: list[AlertDefinition]) -> list[Late]:
        """By the database's clock: builds and evaluations are told by it."""
        marts = {each.alert: [f"mart:{model}" for model in models_read(each)] for each in definitions}
        with self.engine.connect() as connection:
            now = connection.execute(text("select clock_timestamp()")).scalar_one()
            built = {
                row.part: row.at
                for row in connection.execute(
                    text("select part, at from ledger.heartbeats where part = any(:parts)"),
                    {"parts": sorted({part for parts in marts.values() for part in parts})},
                )
            }
            evaluated = {
                row.alert: row.last
                for row in connection.execute(
                    text("""
                    select d.alert, coalesce(e.finished_at, d.published_at) as last from ledger.definitions as d
                    left join lateral (
                        select finished_at from ledger.evaluations as e where e.alert = d.alert
                        order by e.evaluation_id desc limit 1
                    ) as e on true
                    where d.alert = any(:alerts)
                    """),
                    {"alerts": list(marts)},
                )
            }
        found = []
        for each in definitions:
            instants = [built[part] for part in marts[each.alert] if part in built]
            last = evaluated.get(each.alert)
            if last is None or len(instants) < len(marts[each.alert]):
                continue
            due = max(instants) if each.trigger.models == "any" else min(instants)
            if due > last and now - max(instants) > TOLERANCE:
                found.append(Late(each.alert, due, "what it reads was built"))
        return found
