"""What people report in the sample company: ordinary items stay below every bound, the story is there once."""

from __future__ import annotations

from collections import Counter

from alerting_pipeline.demo import moderation, moderation_story
from alerting_pipeline.demo.calendar import AS_OF, past_days
from alerting_pipeline.demo.generate import DEFAULT_SEED

BOUND_OF_ABUSE, BOUND_OF_SPAM = 1.5, 3


def test_ordinary_items_stay_below_every_bound_whoever_reports_them() -> None:
    for day in past_days(60):
        for item in moderation.ordinary_items(DEFAULT_SEED, day):
            people = len({reporter for reporter, _, _ in item.reports})
            is_abuse = any(reason == "abuse" for _, reason, _ in item.reports)
            assert people < (BOUND_OF_ABUSE if is_abuse else BOUND_OF_SPAM)  # a person counts for less than one


def test_every_planted_item_is_there_once_and_is_reported() -> None:
    items = Counter(item.item_id for item in moderation.planted_items())
    reported = {row["item_id"] for _, row in moderation.reports(moderation.planted_items())}
    for label in moderation_story.labels():
        assert items[label.entity["item_id"]] == 1 and label.entity["item_id"] in reported
    assert max(items.values()) == 1


def test_what_comes_of_a_report_is_decided_after_it() -> None:
    for item in moderation.planted_items():
        for decision, decided in item.decisions:
            assert decision in ("removed", "kept") and decided <= AS_OF
            assert any(reported < decided for _, _, reported in item.reports)


def test_whose_record_came_later_reported_before_it_was_known() -> None:
    later = {item.item_id: item for item in moderation.planted_items() if item.item_id.startswith("I-proven")}
    known_at = min(at for item in later.values() for _, at in item.decisions)
    [story] = [item for item in moderation.planted_items() if item.item_id == "I-9012"]
    assert all(reported < known_at for _, _, reported in story.reports)
