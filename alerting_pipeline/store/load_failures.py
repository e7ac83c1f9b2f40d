"""A refused file is a system incident: one per source, open until a load of it refuses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from alerting_pipeline.domain.loading import Refusal
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.store.system_incidents import SystemIncidents

ALERT = "load_failure"


@dataclass(frozen=True, slots=True)
class LoadFailures:
    """Opens and ends the incident of a source."""

    incidents: SystemIncidents

    def settle(self, source: str, refused: Sequence[Refusal]) -> None:
        """Report what was refused; where nothing was, end the incident if there is one.

        The refusals' own sentences quote the file, so they stay with whoever ran the load and in the ledger of loads.
        """
        if refused:
            what = "1 file was refused" if len(refused) == 1 else f"{len(refused)} files were refused"
            summary = f"{source}: {what}, the first is {refused[0].file}; `alerting load {source}` says why"
            self.incidents.report(SystemFinding(ALERT, {"source": source}, summary, {"refused": len(refused)}))
        elif self._is_open(source):
            self.incidents.clear(ALERT, {"source": source})

    def _is_open(self, source: str) -> bool:
        with self.incidents.engine.connect() as connection:
            query = text("""
                select exists (
                    select from ledger.incidents
                    where alert = :alert and status <> 'resolved' and entity ->> 'source' = :source
                )
            """)
            return connection.execute(query, {"alert": ALERT, "source": source}).scalar_one()
