"""What the ledger remembers of an alert, for a backtest to be held against: incidents, verdicts, evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine

from alerting_pipeline.domain.backtest import Verdict, verdict_of
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.recorded import Recorded, RecordedAct, RecordedEvaluation, RecordedLook, act_of
from alerting_pipeline.domain.replayed import Episode, Message
from alerting_pipeline.store.scratch_ledger import values_of

_BEFORE = timedelta(microseconds=1)
_EPISODES = """
select fingerprint, entity, severity, deviance, summary, opened_at, resolved_at, resolution
from ledger.incidents where alert = %s and opened_at >= %s and opened_at <= %s order by incident_id
"""
_EVALUATIONS = """
select as_of, definition_version, outcome, reason, evaluation_id
from ledger.evaluations where alert = %s and as_of <= %s order by evaluation_id
"""
_ACTS = """
select e.at, i.fingerprint, e.event, e.actor, e.detail
from ledger.incident_events as e join ledger.incidents as i using (incident_id)
where i.alert = %s and e.at <= %s and e.event in ('acknowledged', 'assigned', 'resolved', 'snoozed') order by e.event_id
"""
_LOOKS = """
select e.at from ledger.incident_events as e join ledger.incidents as i using (incident_id)
where i.alert = %(alert)s and e.at <= %(until)s
    and e.event in ('woken', 'reminded', 'sla_warned', 'sla_breached', 'escalated')
union
select h.settled_at from ledger.held_notifications as h join ledger.incidents as i using (incident_id)
where i.alert = %(alert)s and h.settled_at <= %(until)s
"""
_DELIVERED = """
select o.told_at, o.destination, o.channel, o.transition, i.entity, o.message ->> 'summary', o.counted_for
from ledger.outbox as o left join ledger.incidents as i using (incident_id)
where o.told_at <= %(until)s and (o.alert = %(alert)s or o.delivery_id in (
    select h.delivery_id from ledger.held_notifications as h join ledger.incidents as a using (incident_id)
    where a.alert = %(alert)s))
order by o.sequence
"""
_VERSIONS = "select version, body, path from ledger.definition_versions where alert = %s"
_VERDICTS = """
select distinct on (fingerprint) fingerprint, disposition, resolved_at
from ledger.incidents where alert = %s and disposition is not null and resolved_at <= %s
order by fingerprint, incident_id desc
"""


@dataclass(frozen=True, slots=True)
class LedgerHistory:
    """The past of alerts."""

    engine: Engine

    def episodes(self, alert: str, start: datetime, end: datetime) -> list[Episode] | None:
        """The incidents opened in that time; None: the alert was never evaluated in it."""
        with self.engine.connect() as connection:
            was_evaluated = connection.exec_driver_sql(
                "select exists (select from ledger.evaluations where alert = %s and as_of > %s and as_of <= %s)",
                (alert, start, end),
            ).scalar()
            if not was_evaluated:
                return None
            return [Episode(*row) for row in connection.exec_driver_sql(_EPISODES, (alert, start, end))]

    def verdicts(self, alert: str, until: datetime) -> dict[UUID, Verdict]:
        """The newest verdict of people on each entity that was given by `until`."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(_VERDICTS, (alert, until)).all()
        found = (verdict_of(*row) for row in rows)
        return {each.fingerprint: each for each in found if each is not None}

    def recorded(self, alert: str, until: datetime) -> list[Recorded]:
        """Everything that happened to the alert up to an instant, in its order; at one instant an evaluation comes
        first, then what people did, then what the clock did.
        """
        with self.engine.connect() as connection:
            evaluations = connection.exec_driver_sql(_EVALUATIONS, (alert, until)).all()
            acts = connection.exec_driver_sql(_ACTS, (alert, until)).all()
            looks = connection.exec_driver_sql(_LOOKS, {"alert": alert, "until": until}).scalars().all()
        found: list[Recorded] = []
        for place, (at, version, outcome, reason, number) in enumerate(evaluations):
            following = evaluations[place + 1].as_of if place + 1 < len(evaluations) else None
            failures = () if outcome in ("firing", "clear", "no_data") else (str(reason),)
            values = values_of(self.engine, number)
            state_at = until if following is None else following - _BEFORE
            found.append(RecordedEvaluation(at, version, values, failures, state_at))
        done = [(at, key, act_of(event, person, detail)) for at, key, event, person, detail in acts]
        found += [RecordedAct(at, key, did) for at, key, did in done if did is not None]
        # What is told within an evaluation is settled at its instant, and not by the clock.
        found += [RecordedLook(at) for at in set(looks) - {each.as_of for each in evaluations}]
        order = {RecordedEvaluation: 0, RecordedAct: 1, RecordedLook: 2}
        return sorted(found, key=lambda each: (each.at, order[type(each)]))

    def delivered(self, alert: str, until: datetime) -> list[Message]:
        """What was told of the alert up to an instant."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(_DELIVERED, {"alert": alert, "until": until}).all()
        return [Message(*row) for row in rows]

    def versions(self, alert: str) -> dict[str, AlertDefinition]:
        """Every version of the definition that was ever in force."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(_VERSIONS, (alert,)).all()
        return {version: AlertDefinition.model_validate({**body, "path": path}) for version, body, path in rows}
