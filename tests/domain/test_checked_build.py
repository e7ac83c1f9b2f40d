"""A build in which data definitions are checked between a model's tests and the marts that stand on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerting_pipeline.domain.checked_build import CheckedBuild
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult, Outcome
from alerting_pipeline.domain.health import BuildGraph, BuildNode, NodeResult, ReadyModel

STAGED, TEST, MART, OTHER = "model.x.stg_feed", "test.x.not_null", "model.x.risk", "model.x.other"
NODES = (
    BuildNode(STAGED, "stg_feed", "model"),
    BuildNode(TEST, "not_null", "test", frozenset({STAGED}), frozenset({STAGED})),
    BuildNode(MART, "risk", "model", frozenset({STAGED})),
    BuildNode(OTHER, "other", "model"),
)
GRAPH = BuildGraph({node.unique_id: node for node in NODES})


@dataclass
class Story:
    """A build fed by hand; `outcome` is what the check of the staging model will say (None: it breaks)."""

    outcome: Outcome | None = Outcome.CLEAR
    on_failure: str = "hold"
    asked: list[tuple[str, str]] = field(default_factory=list)
    ready: list[ReadyModel] = field(default_factory=list)

    def __post_init__(self) -> None:
        said = {"alert": "fresh", "kind": "data", "model": "stg_feed", "on_failure": self.on_failure}
        definitions = {"fresh": DataDefinition.model_validate(said)}
        expected = frozenset(GRAPH.nodes)
        self.build = CheckedBuild.of(GRAPH, expected, frozenset({MART, OTHER}), definitions, self.check)

    def check(self, model: str, materialization_id: str) -> Sequence[EvaluationResult]:
        self.asked.append((model, materialization_id))
        return [] if self.outcome is None else [EvaluationResult("fresh", "v", model, self.outcome, "two days old")]

    def report(self, *reports: tuple[str, str]) -> Story:
        for unique_id, status in reports:
            self.ready += self.build.record(NodeResult(unique_id, status, invocation_id="i"))
        return self

    def failures_of(self, mart: str) -> tuple[str, ...]:
        return next(ready for ready in self.ready if ready.unique_id == mart).failures


def test_data_are_checked_once_the_model_and_its_tests_have_reported() -> None:
    story = Story().report((STAGED, "success"))
    assert story.asked == []
    story.report((TEST, "pass"), (TEST, "pass"))
    assert story.asked == [("stg_feed", f"i:{STAGED}")]


def test_a_mart_waits_for_the_data_of_what_it_is_built_from_and_no_other_does() -> None:
    story = Story().report((OTHER, "success"), (STAGED, "success"), (MART, "success"))
    assert [ready.unique_id for ready in story.ready] == [OTHER]
    story.report((TEST, "pass"))
    assert [ready.unique_id for ready in story.ready] == [OTHER, MART]
    assert story.ready[-1].healthy


def test_failing_data_hold_the_mart_with_the_reason_and_are_no_failure_of_the_build() -> None:
    story = Story(Outcome.FIRING).report((STAGED, "success"), (TEST, "pass"), (MART, "success"))
    assert story.failures_of(MART) == ("data definition fresh failed: two days old",)
    assert story.ready[-1].build_failures == ()
    assert story.build.tracker.failed == () == story.build.tracker.broken


def test_what_can_not_be_checked_can_not_be_believed() -> None:
    for outcome in (Outcome.SYSTEM_FAILURE, None):
        story = Story(outcome).report((STAGED, "success"), (TEST, "pass"), (MART, "success"))
        assert not story.ready[-1].healthy


def test_data_that_say_nothing_hold_nothing_and_so_do_those_that_only_tell() -> None:
    for story in (Story(Outcome.NO_DATA), Story(Outcome.FIRING, on_failure="tell")):
        story.report((STAGED, "success"), (TEST, "pass"), (MART, "success"))
        assert story.ready[-1].healthy


def test_a_model_that_was_not_built_is_not_checked_and_the_build_names_it_alone() -> None:
    story = Story().report((STAGED, "error"), (TEST, "skipped"), (MART, "skipped"))
    assert story.asked == []
    assert story.failures_of(MART) == ("model stg_feed failed", "model risk was skipped")


def test_a_test_that_dbt_left_out_is_not_waited_for_at_the_end() -> None:
    story = Story(Outcome.FIRING).report((STAGED, "success"), (MART, "success"))
    story.ready += story.build.finish(is_complete=True)
    assert story.asked and story.failures_of(MART)


def test_a_build_that_broke_off_checks_nothing_more() -> None:
    story = Story().report((STAGED, "success"), (MART, "success"))
    story.ready += story.build.finish(is_complete=False)
    assert story.asked == []
    assert not story.ready[-1].healthy


def test_definitions_about_models_outside_the_build_are_left_out() -> None:
    story = Story()
    story.build = CheckedBuild.of(GRAPH, frozenset({MART}), frozenset({MART}), {}, story.check)
    story.report((MART, "success"))
    assert story.ready[0].healthy
