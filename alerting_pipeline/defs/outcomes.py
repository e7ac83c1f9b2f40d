"""How an evaluation looks in Dagster: the check on the alert's node, with numbers, sample rows and the trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from alerting_pipeline.defs.keys import CHECK, alert_key
from alerting_pipeline.domain.evaluation import EvaluationResult, Outcome
from alerting_pipeline.store.trend import Past

FEW = 50
"""Up to this many alerts a run tells of each of them; above, only of those whose outcome or incidents changed."""

_BARS = "▁▂▃▄▅▆▇█"


def check_result(result: EvaluationResult, past: Sequence[Past]) -> dg.AssetCheckResult:
    """The outcome as the result of a check that Dagster asked for."""
    return dg.AssetCheckResult(
        asset_key=alert_key(result.alert),
        check_name=CHECK,
        passed=result.outcome is Outcome.CLEAR,
        severity=dg.AssetCheckSeverity.WARN,
        description=result.reason,
        metadata=_metadata(result, past),
    )


def events(result: EvaluationResult, past: Sequence[Past]) -> list[Any]:
    """The outcome as events on the alert's node, for a run that did not plan them.

    Untyped, because log_event takes check evaluations without saying so in its type.
    """
    key = alert_key(result.alert)
    numbers = {
        "violations": result.violations,
        "opened": result.opened,
        "cleared": result.cleared + result.withdrawn + result.expired,
        "held": result.held,
        "outcome": result.outcome.value,
    }
    return [
        dg.AssetMaterialization(key, description=result.reason, metadata=numbers),
        dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=CHECK,
            passed=result.outcome is Outcome.CLEAR,
            severity=dg.AssetCheckSeverity.WARN,
            description=result.reason,
            metadata=_metadata(result, past),
        ),
    ]


def is_worth_telling(result: EvaluationResult, past: Sequence[Past], among: int) -> bool:
    """Whether this result becomes events, in a run that evaluated `among` alerts."""
    if result.is_repeated:
        return False
    before = past[-2].outcome if len(past) > 1 else None
    return among <= FEW or result.is_changed or before != result.outcome.value


def _metadata(result: EvaluationResult, past: Sequence[Past]) -> Mapping[str, Any]:
    told: dict[str, Any] = {
        "outcome": result.outcome.value,
        "reason": result.reason,
        "violations": result.violations,
        "opened": result.opened,
        "updated": result.updated,
        "cleared": result.cleared,
        "withdrawn": result.withdrawn,
        "expired": result.expired,
        "held": result.held,
        "rows_with_null": result.null_rows,
        "definition_version": result.version,
        "seconds": round(result.seconds, 3),
    }
    if result.error:
        told["error"] = result.error
    if past:
        told["trend"] = trend(past)
    if result.sample:
        told["sample"] = _table(result.sample)
    return told


def trend(past: Sequence[Past]) -> str:
    """The last counts as a line of bars and as numbers, oldest first; × is an evaluation that judged nothing."""
    judged = [each.violations if each.outcome in ("firing", "clear") else None for each in past]
    most = max((count for count in judged if count is not None), default=0)
    bars = "".join("×" if count is None else _bar(count, most) for count in judged)
    return f"{bars}  {', '.join('×' if count is None else str(count) for count in judged)}"


def _bar(count: int, most: int) -> str:
    return _BARS[0] if most == 0 else _BARS[round(count / most * (len(_BARS) - 1))]


def _table(sample: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    columns = list(dict.fromkeys(name for row in sample for name in row))
    return dg.MetadataValue.table(
        records=[dg.TableRecord({name: _cell(row.get(name)) for name in columns}) for row in sample],
        schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in columns]),
    )


def _cell(value: Any) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
