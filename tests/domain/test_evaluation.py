from __future__ import annotations

import pytest

from alerting_pipeline.domain.evaluation import Outcome, Sight, decide
from alerting_pipeline.domain.event import Cleared, Gone, Reason, StillStanding, Unjudged
from alerting_pipeline.domain.look_up import Answer, has_left, sighting


@pytest.mark.parametrize(
    ("sight", "given", "outcome"),
    [
        (Sight(violations=3), {}, Outcome.FIRING),
        (Sight(), {}, Outcome.CLEAR),
        (Sight(null_rows=2), {}, Outcome.CLEAR),
        (Sight(null_rows=2, is_judged=False), {}, Outcome.NO_DATA),
        (Sight(is_empty=True), {}, Outcome.CLEAR),
        (Sight(is_empty=True), {"on_empty": "no_data"}, Outcome.NO_DATA),
        (None, {"error": "a division by zero"}, Outcome.SYSTEM_FAILURE),
        (Sight(violations=3), {"failures": ("test x failed",)}, Outcome.DATA_FAILURE),
        (None, {"failures": ("test x failed",), "error": "broken"}, Outcome.DATA_FAILURE),
    ],
)
def test_each_sight_has_one_outcome(sight: Sight | None, given: dict[str, object], outcome: Outcome) -> None:
    assert decide(sight, **given).outcome is outcome  # pyright: ignore[reportArgumentType]  # the cases are typed above


def test_a_reason_counts_the_rows_that_could_not_be_judged() -> None:
    assert decide(Sight(violations=1, null_rows=2)).reason == "1 violation; the condition is NULL for 2 rows"


@pytest.mark.parametrize(
    ("answer", "has_way_out", "event"),
    [
        (None, False, Gone()),
        (Answer(True, None), False, None),
        (Answer(True, True), True, None),
        (Answer(False, None), False, Cleared(Reason.CONDITION_FALSE)),
        (Answer(None, None), False, Unjudged(Reason.CONDITION_NULL)),
        (Answer(False, True), True, Cleared(Reason.CLEAR_WHEN_TRUE)),
        (Answer(None, True), True, Cleared(Reason.CLEAR_WHEN_TRUE)),
        (Answer(False, False), True, StillStanding()),
        (Answer(False, None), True, Unjudged(Reason.CLEAR_WHEN_NULL)),
        (Answer(None, False), True, Unjudged(Reason.CONDITION_NULL)),
    ],
)
def test_an_unseen_incident_clears_only_by_a_row_that_says_so(
    answer: Answer | None, has_way_out: bool, event: object
) -> None:
    assert sighting(answer, has_way_out=has_way_out) == event


def test_a_known_fingerprint_is_forgotten_only_when_its_condition_is_false_or_its_row_gone() -> None:
    assert [has_left(answer) for answer in (None, Answer(False, None), Answer(None, None), Answer(True, None))] == [
        True, True, False, False,
    ]  # fmt: skip
