"""Calibration, wired: many values are swept, then more around the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from alerting_pipeline.app.backtesting import Replays, sweep
from alerting_pipeline.domain.errors import BadCall

if TYPE_CHECKING:
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.backtest import Span
    from alerting_pipeline.domain.calibration import Calibrated, Target
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.domain.sweep_points import Swept


def calibrate(
    app: App,
    alert: str,
    span: Span,
    asked: Target,
    progress: Progress,
    *,
    parameter: str | None = None,
    segment: str | None = None,
) -> Calibrated:
    """The value that keeps the target. Raises BadCall where it isn't clear which parameter is meant."""
    from alerting_pipeline.domain.calibration import ROUND, TRIED, candidates, closer, propose, spread
    from alerting_pipeline.domain.sweep import Axis
    from alerting_pipeline.usecases.sweep import TooManyReplays, standing

    variant = Replays(app, app.definition_ledger.in_force()).in_force(alert)
    parameters = variant.definition.parameters
    numbers = [name for name, each in parameters.items() if each.type in ("number", "integer")]
    if parameter is None and len(numbers) != 1:
        raise BadCall(f"{alert} has several numbers, or none: {', '.join(numbers) or 'none'}; say --parameter")
    name = parameter or numbers[0]
    if name not in parameters:
        raise BadCall(f'{alert} has no parameter "{name}"; it has {", ".join(parameters)}')
    axis = Axis(name, (), segment=segment)
    current = Decimal(standing(variant.values, axis) or "0") if name in numbers else Decimal(0)
    axis = replace(axis, values=candidates(name, parameters[name], current))

    def tried(values: Sequence[Decimal]) -> Swept:
        return sweep(app, alert, span, [replace(axis, values=tuple(values))], progress)

    try:
        found, most = tried(axis.values), TRIED
    except TooManyReplays:
        found, most = tried(spread(axis.values, current)), ROUND
    best = propose(axis, found, asked, current)
    if near := closer(parameters[name], [each.value for each in best.points], best.value, most):
        more = sorted([*found.points, *tried(near).points], key=lambda each: each.values[axis.name])
        best = propose(axis, replace(found, points=tuple(more)), asked, current)
    return best
