"""What is wrong with a source's files: one that was refused is the system's trouble, other columns are the data's.

Each is one incident per source, open until a load takes files and finds nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerting_pipeline.domain.loading import LoadResult, Refusal
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.store.system_incidents import SystemIncidents

REFUSED, COLUMNS = "load_failure", "source_schema"
_MOST = 10


@dataclass(frozen=True, slots=True)
class LoadFailures:
    """Opens and ends the incidents of a source."""

    incidents: SystemIncidents

    def settle(self, result: LoadResult) -> None:
        """Report what is wrong; where nothing is, end the incident if there is one."""
        self._settle(REFUSED, result.source, _refused(result.source, result.problems))
        if result.files:  # without a file, nothing is known of the columns
            self._settle(COLUMNS, result.source, _columns(result))

    def _settle(self, alert: str, source: str, finding: SystemFinding | None) -> None:
        if finding is not None:
            self.incidents.report(finding)
        elif {"source": source} in self.incidents.standing(alert):
            self.incidents.clear(alert, {"source": source})


def _refused(source: str, refused: Sequence[Refusal]) -> SystemFinding | None:
    """The refusals' own sentences quote the file, so they stay with whoever ran the load and in the ledger of loads."""
    if not refused:
        return None
    what = "1 file was refused" if len(refused) == 1 else f"{len(refused)} files were refused"
    summary = f"{source}: {what}, the first is {refused[0].file}; `alerting load {source}` says why"
    return SystemFinding(REFUSED, {"source": source}, summary, {"refused": len(refused)})


def _columns(result: LoadResult) -> SystemFinding | None:
    """Against the files before: of the first there is nothing to say. A format that leaves out what is empty (JSON)
    says nothing by a column that is missing.
    """
    if result.is_first:
        return None
    new, missing = result.added_columns, () if result.is_sparse else result.missing_columns
    said = [f"{what}: {_some(names)}" for what, names in (("new columns", new), ("columns missing", missing)) if names]
    if not said:
        return None
    detail = {"new": len(new), "missing": len(missing)}
    return SystemFinding(COLUMNS, {"source": result.source}, f"{result.source}: {'; '.join(said)}", detail)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {rest} more" if rest > 0 else "")
