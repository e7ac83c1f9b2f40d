"""Business alerting and automation on a warehouse: from dbt model to incident to person, as one lineage.

`incidents`, `evaluations`, `deliveries` and `backtest` give data frames to notebooks; they are imported when asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alerting_pipeline.notebook import backtest, deliveries, evaluations, incidents

__all__ = ["backtest", "deliveries", "evaluations", "incidents"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from alerting_pipeline import notebook

    return getattr(notebook, name)
