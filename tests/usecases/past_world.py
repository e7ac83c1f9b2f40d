"""A mart with a past: `keep` writes how it was as a snapshot; a backtest of any definition over it is one call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerting_pipeline.adapters.past import Past
from alerting_pipeline.adapters.scanner import Scanner
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.app.backtesting import PostgresStage
from alerting_pipeline.domain.backtest import Addressee, Report, Span, Summing, Verdict
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.history import history_of
from alerting_pipeline.domain.recipient import recipient_of
from alerting_pipeline.domain.value_set import ValueSet
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.history import LedgerHistory
from alerting_pipeline.store.scratch_ledger import scratch_ledger
from alerting_pipeline.usecases.backtest import Backtest, Variant, backtest
from tests.usecases.world import COLUMNS, DESTINATIONS, World

MONDAY = datetime.fromisoformat("2026-01-05T00:00:00+00:00")
DAY = timedelta(days=1)


class Quiet:
    """Progress that nobody watches."""

    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        pass


@dataclass
class PastWorld(World):
    """`keep` says which rows held from when until when."""

    snapshot: Model = field(
        default_factory=lambda: Model(
            name="payments_history", unique_id="snapshot.x.payments_history", relation="marts.payments_history",
            is_mart=False, snapshot_of="payments",
        )
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        self.sql(
            f"create table marts.payments_history ({columns}, dbt_valid_from timestamp, dbt_valid_to timestamp); "
            "grant select on marts.payments_history to alert_reader"
        )

    def keep(self, *rows: Mapping[str, Any]) -> None:
        """Rows of the snapshot. `since` and `until` are days after MONDAY; until None: it still holds."""
        written = []
        for row in rows:
            until = row.get("until")
            written.append(
                {
                    "status": "pending",
                    **{key: value for key, value in row.items() if key not in ("since", "until")},
                    "dbt_valid_from": (MONDAY + DAY * row["since"]).replace(tzinfo=None).isoformat(),
                    "dbt_valid_to": None if until is None else (MONDAY + DAY * until).replace(tzinfo=None).isoformat(),
                }
            )
        self.sql(
            "insert into marts.payments_history "
            "select * from jsonb_populate_recordset(null::marts.payments_history, %s::jsonb)",
            json.dumps(written),
        )

    @property
    def catalog(self) -> Catalog:
        return Catalog({"payments": self.model, "payments_history": self.snapshot})

    def without_snapshot(self, **meta: Any) -> Catalog:
        """The mart alone, with what its meta says."""
        return Catalog({"payments": replace(self.model, meta={"alerting": meta})})

    @property
    def held(self) -> InForce:
        return InForce(definitions=self.definitions, routing=self.tree, destinations=DESTINATIONS, people=self.people)

    def backtest(
        self,
        definition: AlertDefinition,
        days: float,
        changes: Mapping[str, Any] | None = None,
        *,
        catalog: Catalog | None = None,
        every: timedelta = DAY,
        verdicts: Mapping[Any, Verdict] | None = None,
        proposed: AlertDefinition | None = None,
    ) -> Report:
        """From MONDAY on."""
        catalog = catalog or self.catalog
        span = Span(MONDAY, MONDAY + DAY * days, every)
        values = ValueSet.of_definition(definition)
        variant = None
        if changes is not None or proposed is not None:
            other = proposed or definition
            variant = Variant(other, values.completed(other).changed(other, changes or {}))
        history = history_of(definition, catalog)
        asked = Backtest(
            Variant(definition, values), variant, Summing(span, self.addressee, verdicts or {}), history.source,
            history.described, LedgerHistory(self.engine).episodes(definition.alert, span.start, span.end),
        )  # fmt: skip
        return backtest(asked, lambda each: self.stage(each, span, catalog), Quiet())

    def addressee(self, destination: str) -> Addressee:
        found = self.held.book.look_up(destination)
        recipient = recipient_of(found, self.people) if found else None
        if recipient is None:
            return Addressee(destination)
        budget = recipient.budget
        return Addressee(recipient.name, f"{budget.messages} per {budget.per}" if budget else None)

    @contextmanager
    def stage(self, variant: Variant, span: Span, catalog: Catalog) -> Iterator[PostgresStage]:
        definition = variant.definition
        past = Past(history_of(definition, catalog), span.start)
        scanner = Scanner(Warehouse(self.database.reader_url), past, variant.values.sql(definition.alert))
        with scratch_ledger(self.engine) as ledger:
            ledger.put_in_force(definition)
            ledger.set_values(definition, variant.values)
            held = replace(self.held, definitions={definition.alert: definition})
            yield PostgresStage(ledger, held, definition, scanner, "http://localhost:8080")
