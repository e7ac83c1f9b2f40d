"""What the model payment_risks reckons with, from the labels of some first days and nothing later.

The values in force stand in dbt_project.yml, where people read and review them; these are what they should be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import yaml

PROJECT = Path(__file__).parent.parent / "dbt_project"
_LABELLED = """
    select
        risks.amount::float as amount,
        least(greatest(risks.times_usual, 1.5), 6)::float as times_usual,
        case when risks.times_usual >= 2 then least(risks.recent_jumps, 3) else 0 end::float as recent_jumps,
        risks.times_usual >= 2 as is_jump,
        risks.terminal_reports = 1 and reports.last_clean_at is not null as is_lone,
        risks.still_compromised::float as still_compromised,
        risks.day - min(risks.day) over () as age,
        labels.tx_fraud::float as fraud
    from marts.payment_risks as risks
    inner join intermediate.int_terminal_reports as reports on reports.transaction_id = risks.transaction_id
    inner join raw.card_transactions as labels on labels.transaction_id::text = risks.transaction_id
    where risks.day <= %s and risks.amount is not null
"""
_DAYS_OF_HABIT = 3
"""So many days make no habit: they are left out where the habit is what is looked at."""


def in_force() -> Mapping[str, float]:
    """The values that the project is built with, by name."""
    return yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]


def calibrated(connection: psycopg.Connection[Any], until: date) -> dict[str, float]:
    """Each value as the labels up to that day give it, rounded as it is written in the project."""
    rows = _labelled(connection, until)
    large = _large_amount(rows)
    ordinary = rows[rows["amount"] <= large]
    known = ordinary[(ordinary["age"] >= _DAYS_OF_HABIT) & ordinary["times_usual"].notna()]
    intercept, per_times, per_jump = _logistic(known[["times_usual", "recent_jumps"]], known["fraud"])
    suspected = ordinary[~ordinary["is_jump"].fillna(value=False) & (ordinary["still_compromised"] > 0)]
    lone, others = suspected[suspected["is_lone"]], suspected[~suspected["is_lone"]]
    return {
        "card_typical_amount": math.floor(rows["amount"].mean()),
        "card_large_amount": large,
        "card_large_risk": _chance(rows[rows["amount"] > large]["fraud"].sum(), (rows["amount"] > large).sum()),
        "card_jump_intercept": intercept,
        "card_jump_per_times_usual": per_times,
        "card_jump_per_recent_jump": per_jump,
        "card_report_risk": _chance(others["fraud"].sum(), others["still_compromised"].sum()),
        "card_lone_report_risk": _chance(lone["fraud"].sum(), lone["still_compromised"].sum()),
    }


def _labelled(connection: psycopg.Connection[Any], until: date) -> Any:
    """The payments up to that day with their labels, as a data frame."""
    import pandas as pd

    cursor = connection.execute(_LABELLED, [until])
    return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])


def _large_amount(rows: Any) -> int:
    """The lowest of whole tens above which every payment was fraud."""
    return math.ceil(rows[rows["fraud"] == 0]["amount"].max() / 10) * 10


def _chance(frauds: float, of: float) -> float:
    """Laplace's rule of succession, rounded down to a hundredth: few cases prove little, and none prove certainty."""
    return math.floor(100 * (frauds + 1) / (of + 2)) / 100


def _logistic(columns: Any, fraud: Any) -> tuple[float, float, float]:
    """Intercept and weights of a logistic regression, by Newton's method; it converges in about ten steps."""
    import numpy as np

    x = np.column_stack([np.ones(len(columns)), columns.to_numpy()])
    y, weights = fraud.to_numpy(), np.zeros(x.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-x @ weights))
        curvature = x.T @ (x * (chance * (1 - chance))[:, None])
        weights = weights + np.linalg.solve(curvature, x.T @ (y - chance))
    return tuple(round(float(weight), 2) for weight in weights)  # type: ignore[return-value]  # three columns in, three weights out
