"""The health tracker: a mart is ready exactly when it and its tests have reported, whatever the order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting_pipeline.domain.health import BuildGraph, BuildNode, HealthTracker, NodeResult, ReadyModel

SOURCE, STAGING, MART, OTHER = "source.p.raw.t", "model.p.stg", "model.p.mart", "model.p.other"
STAGING_KEY, MART_KEY, MART_HINT = "test.p.stg_key", "test.p.mart_key", "test.p.mart_hint"


def _node(unique_id: str, *parents: str, concerns: str = "", is_error: bool = True) -> BuildNode:
    kind, _, name = unique_id.split(".", 2)
    return BuildNode(
        unique_id, name, kind, frozenset(parents), frozenset([concerns] if concerns else []), is_error=is_error
    )


GRAPH = BuildGraph(
    {
        node.unique_id: node
        for node in (
            _node(SOURCE),
            _node(STAGING, SOURCE),
            _node(MART, STAGING),
            _node(OTHER, SOURCE),
            _node(STAGING_KEY, STAGING, concerns=STAGING),
            _node(MART_KEY, MART, concerns=MART),
            _node(MART_HINT, MART, concerns=MART, is_error=False),
        )
    }
)
ALL = frozenset(GRAPH.nodes) - {SOURCE}
ORDER = (STAGING, STAGING_KEY, MART, MART_KEY, MART_HINT)


def _tracker(expected: frozenset[str] = ALL, watched: frozenset[str] = frozenset([MART])) -> HealthTracker:
    return HealthTracker(GRAPH, expected, watched)


def _feed(tracker: HealthTracker, *results: NodeResult) -> list[ReadyModel]:
    return [ready for result in results for ready in tracker.record(result)]


def _good(unique_id: str) -> NodeResult:
    status = "pass" if unique_id.startswith("test") else "success"
    return NodeResult(unique_id, status, failures=0, invocation_id="run1")


def test_a_mart_is_ready_with_the_last_of_its_tests_and_not_before():
    tracker = _tracker()
    assert _feed(tracker, *(_good(name) for name in ORDER[:-1])) == []
    (ready,) = tracker.record(_good(MART_HINT))
    assert ready == ReadyModel(MART, healthy=True, invocation_id="run1")
    assert ready.materialization_id == f"run1:{MART}"


def test_a_mart_does_not_wait_for_models_beside_its_path():
    assert [ready.unique_id for ready in _feed(_tracker(), *map(_good, ORDER))] == [MART]


def test_a_mart_without_selected_tests_is_ready_at_once():
    tracker = _tracker(expected=frozenset([MART]))
    assert [ready.healthy for ready in tracker.record(_good(MART))] == [True]


def test_a_failing_test_of_an_ancestor_makes_the_mart_unhealthy_by_name():
    failed = NodeResult(STAGING_KEY, "fail", failures=3)
    skipped = NodeResult(MART, "skipped")
    results = [_good(STAGING), failed, skipped, NodeResult(MART_KEY, "skipped"), NodeResult(MART_HINT, "skipped")]
    (ready,) = _feed(_tracker(), *results)
    assert not ready.healthy
    assert ready.failures == ("test stg_key on stg failed for 3 rows", "model mart was skipped")


def test_a_failing_test_of_severity_warn_leaves_the_mart_healthy():
    results = [*map(_good, ORDER[:-1]), NodeResult(MART_HINT, "error", message="relation is gone")]
    assert [ready.healthy for ready in _feed(_tracker(), *results)] == [True]


def test_a_model_error_is_named_with_its_message():
    results = [_good(STAGING), _good(STAGING_KEY), NodeResult(MART, "error", "column x does not exist")]
    skipped = [NodeResult(MART_KEY, "skipped"), NodeResult(MART_HINT, "skipped")]
    (ready,) = _feed(_tracker(), *results, *skipped)
    assert ready.failures == ("model mart failed: column x does not exist",)


def test_a_stale_source_makes_its_marts_unhealthy():
    results = [NodeResult(SOURCE, "error", "no file since yesterday"), *map(_good, ORDER)]
    (ready,) = _feed(_tracker(), *results)
    assert ready.failures == ("source raw.t failed: no file since yesterday",)


def test_a_failure_beside_the_path_does_not_count():
    results = [NodeResult(OTHER, "error", "no space left"), *map(_good, ORDER)]
    assert [ready.healthy for ready in _feed(_tracker(), *results)] == [True]


def test_an_unknown_status_is_never_taken_for_health():
    (ready,) = _feed(_tracker(), *map(_good, ORDER[:-2]), NodeResult(MART_KEY, "splendid"), _good(MART_HINT))
    assert not ready.healthy


def test_a_repeated_result_changes_nothing():
    tracker = _tracker()
    assert len(_feed(tracker, *map(_good, ORDER), *map(_good, ORDER))) == 1


def test_a_model_that_was_not_selected_is_not_reported():
    tracker = _tracker(expected=frozenset([OTHER]))
    assert _feed(tracker, _good(OTHER)) == []
    assert tracker.finish(is_complete=True) == ()


def test_a_build_that_broke_off_makes_what_is_missing_unhealthy():
    tracker = _tracker()
    assert _feed(tracker, _good(STAGING), _good(STAGING_KEY), _good(MART)) == []
    (ready,) = tracker.finish(is_complete=False)
    assert ready.failures == ("test mart_hint did not report", "test mart_key did not report")
    assert tracker.finish(is_complete=False) == ()


def test_a_test_that_dbt_left_out_is_no_failure():
    tracker = _tracker()
    _feed(tracker, _good(STAGING), _good(STAGING_KEY), _good(MART))
    assert [ready.healthy for ready in tracker.finish(is_complete=True)] == [True]


def test_a_mart_that_never_reported_is_unhealthy_even_after_a_complete_build():
    tracker = _tracker()
    _feed(tracker, _good(STAGING))
    assert [ready.failures for ready in tracker.finish(is_complete=True)] == [("model mart did not report",)]


@st.composite
def _builds(draw: st.DrawFn) -> tuple[BuildGraph, dict[str, NodeResult]]:
    size = draw(st.integers(1, 7))
    names = [f"model.p.m{index}" for index in range(size)]
    nodes: dict[str, BuildNode] = {}
    for index, name in enumerate(names):
        parents = draw(st.sets(st.sampled_from(names[:index]))) if index else set()
        nodes[name] = _node(name, *parents)
        for number in range(draw(st.integers(0, 2))):
            test = f"test.p.t{index}_{number}"
            nodes[test] = _node(test, name, concerns=name, is_error=draw(st.booleans()))
    results = {}
    for name in nodes:
        words = ["pass", "warn", "fail", "error", "skipped"] if name.startswith("test") else ["success", "error"]
        results[name] = NodeResult(name, draw(st.sampled_from(words)), failures=1)
    return BuildGraph(nodes), results


def _any_order(graph: BuildGraph, seed: int) -> list[str]:
    """A random order in which every node comes after its parents."""
    chooser, done, order = random.Random(seed), set(), []
    while len(order) < len(graph.nodes):
        possible = [name for name, node in sorted(graph.nodes.items()) if name not in done and node.parents <= done]
        name = chooser.choice(possible)
        done.add(name)
        order.append(name)
    return order


@given(_builds(), st.integers(0, 1000), st.integers(0, 1000))
def test_the_order_of_independent_nodes_does_not_matter(
    build: tuple[BuildGraph, dict[str, NodeResult]], seed: int, other_seed: int
):
    graph, results = build
    watched = frozenset(name for name in graph.nodes if name.startswith("model"))
    verdicts = []
    for order in (_any_order(graph, seed), _any_order(graph, other_seed)):
        tracker = HealthTracker(graph, frozenset(graph.nodes), watched)
        ready = _feed(tracker, *(results[name] for name in order))
        assert tracker.finish(is_complete=True) == ()
        verdicts.append(sorted(ready, key=lambda model: model.unique_id))
    assert verdicts[0] == verdicts[1]
    assert {model.unique_id for model in verdicts[0]} == watched


@given(_builds(), st.integers(0, 1000))
def test_each_mart_is_ready_exactly_with_the_last_thing_it_stands_on(
    build: tuple[BuildGraph, dict[str, NodeResult]], seed: int
):
    graph, results = build
    order = _any_order(graph, seed)
    watched = frozenset(name for name in graph.nodes if name.startswith("model"))
    tracker = HealthTracker(graph, frozenset(graph.nodes), watched)
    for position, name in enumerate(order):
        for ready in tracker.record(results[name]):
            models = graph.ancestors(ready.unique_id) | {ready.unique_id}
            stands_on = models | graph.tests_of(models)
            assert max(order.index(each) for each in stands_on) == position


def test_failed_names_every_failure_of_the_build():
    tracker = _tracker()
    _feed(tracker, NodeResult(OTHER, "error", "boom"), NodeResult(STAGING_KEY, "fail", failures=1))
    assert tracker.failed == ("model other failed: boom", "test stg_key on stg failed for 1 row")


@pytest.mark.parametrize("status", ["error", "fail", "runtime error", "partial success", "ERROR"])
def test_every_bad_word_of_dbt_is_a_failure(status: str):
    assert not _feed(_tracker(expected=frozenset([MART])), NodeResult(MART, status))[0].healthy


def test_only_models_that_could_not_be_built_are_broken_and_counted():
    tracker = _tracker()
    assert tracker.models == (0, 3)
    _feed(tracker, _good(STAGING), NodeResult(STAGING_KEY, "fail", failures=1), NodeResult(MART, "skipped"))
    assert tracker.models == (2, 3)
    assert tracker.broken == ()
    _feed(tracker, NodeResult(OTHER, "error", "no space left"))
    assert tracker.broken == ("other",)
