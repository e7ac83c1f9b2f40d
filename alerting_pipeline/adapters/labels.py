"""Reads labels as the owner of the warehouse: the role of alerts' SQL may not, so that no condition ever knows them.

What is read is a statement of ours; `value` and `known_at` in it are from the dbt project, which the owner runs anyway.
Nothing can be written, and a limit of time holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg

from alerting_pipeline.domain.backtest import Span, Verdict
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.labels import Labels

_OPTIONS = "-c default_transaction_read_only=on -c timezone=UTC -c statement_timeout=60000"


@dataclass(frozen=True, slots=True)
class LabelReader:
    """What turned out to be true, in the warehouse of the owner."""

    owner_url: str

    def known(self, labels: Labels, span: Span) -> dict[UUID, Verdict]:
        """By entity, as far as it was known at the end of the time. Raises AlertingError where it can't be read."""
        try:
            with psycopg.connect(self.owner_url, options=_OPTIONS) as connection:
                rows = connection.execute(labels.sql(span).encode()).fetchall()
        except psycopg.Error as error:
            raise AlertingError(
                f"the labels of {labels.read.model.name} can't be read from {labels.kept_in.relation} "
                f"(SQLSTATE {error.sqlstate}); correct meta.alerting.labels, or build the model with `alerting run`"
            ) from None
        return {key: Verdict(key, is_true, known_at) for key, is_true, known_at in rows}
