"""Rows in sheets and tables show what the model holds now; people hear of material changes alone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from alerting_pipeline.adapters.channels.sheet import SheetChannel, SheetSettings
from alerting_pipeline.domain.row_change import changed_columns
from alerting_pipeline.rendering.message import Message
from tests.adapters.channels.deliveries import delivery
from tests.usecases.world import World, definition, written

ROWS: dict[str, Any] = {"write_back": [{"sheet": "review"}], "fields": ["segment", "day", "score"]}


def test_a_small_change_reaches_the_row_and_nobody_else(world: World) -> None:
    world.publish(definition(**ROWS))
    world.put({"id": "t1", "amount": 150, "segment": "retail"})
    world.evaluate()
    world.put({"id": "t1", "amount": 151, "segment": "retail"})
    assert world.evaluate()["large"].updated == 0
    assert [message for message in world.messages() if message[0] != "opened"] == [("refreshed", "review")]
    [incident] = world.incidents()
    assert (incident["summary"], incident["deviance"]) == ("t1 is 151", Decimal("1.51"))
    assert incident["notified_deviance"] == Decimal("1.5")


def test_what_changed_little_by_little_is_told_when_it_adds_up(world: World) -> None:
    world.publish(definition(update_when={"deviance_changes_by": "0.5"}, **ROWS))
    for amount in (150, 170, 190, 205):
        world.put({"id": "t1", "amount": amount})
        world.evaluate()
    assert [transition for transition, name in world.messages() if name == "#risk"] == ["opened", "updated"]


def test_a_row_that_did_not_change_writes_nothing(world: World) -> None:
    world.publish(definition(**ROWS))
    row = {"id": "t1", "amount": "12345678901234567890.10", "score": 0.1, "segment": "retail", "day": "2026-01-05"}
    world.put(row)
    world.evaluate()
    before = world.rows()
    world.put(row)
    world.evaluate()
    assert written(before, world.rows()).keys() <= {"evaluations", "definitions"}


def test_a_definition_without_rows_keeps_what_people_were_told(world: World) -> None:
    world.publish(definition(fields=["segment"]))
    world.put({"id": "t1", "amount": 150, "segment": "retail"})
    world.evaluate()
    world.put({"id": "t1", "amount": 151, "segment": "business"})
    world.evaluate()
    [incident] = world.incidents()
    assert incident["summary"] == "t1 is 150"
    assert {transition for transition, _ in world.messages()} == {"opened"}


@pytest.mark.parametrize("is_event_like", [False, True])
def test_a_change_of_manager_alone_moves_the_row_to_the_other_list(
    world: World, tmp_path: Path, is_event_like: bool
) -> None:
    world.publish(definition(**ROWS, occurred_at="created_at" if is_event_like else None))
    row = {"id": "t1", "amount": 150, "created_at": "2026-01-05T04:00:00Z"}
    for manager in ("Jana", "Karim"):
        world.put({**row, "segment": manager}, {**row, "id": "t2", "segment": "Jana"})
        world.evaluate()
        world.later(days=1)
    sheet = SheetChannel(SheetSettings(tab_by="segment", worksheet="Nobody"), tmp_path / "review.xlsx")
    for message in world.sql("select message from ledger.outbox where destination = 'review' order by sequence"):
        sheet.deliver(delivery(Message.from_json(message["message"])))
    book = load_workbook(tmp_path / "review.xlsx")
    found = {
        tab.title: [row for row in tab.iter_rows(min_row=2, max_col=1, values_only=True) if row != (None,)]
        for tab in book.worksheets
    }
    assert found == {"Jana": [(2,)], "Karim": [(1,)]}
    assert {name for transition, name in world.messages() if transition == "refreshed"} == {"review"}


@pytest.mark.parametrize(
    ("column", "before", "after"),
    [
        ("amount", "150.10", "150.1000000000000000001"),
        ("amount", "12345678901234567890.10", "12345678901234567890.11"),
        ("score", 0.1, 0.30000000000000004),
        ("score", None, 0),
        ("score", 1, None),
        ("segment", "1", "1.0"),
        ("segment", "", None),
        ("day", "2026-01-05", "2026-01-06"),
    ],
)
def test_a_value_that_differs_is_a_change_and_the_same_value_in_other_digits_is_none(
    world: World, column: str, before: Any, after: Any
) -> None:
    world.publish(definition(**ROWS))
    for value in (before, before, after, after):
        world.put({"id": "t1", "amount": "150", column: value})
        world.evaluate()
    assert [transition for transition, name in world.messages() if name == "review"] == ["opened", "refreshed"]


def test_values_are_compared_as_the_ledger_keeps_them() -> None:
    stored = {"a": 0.1, "b": "12345678901234567890.10", "c": [1.5, {"d": None}], "e": True, "f": "1"}
    seen: dict[str, Any] = {
        "a": Decimal("0.10"), "b": Decimal("12345678901234567890.10"), "c": [Decimal("1.50"), {"d": None}], "e": True,
        "f": 1,
    }  # fmt: skip
    assert changed_columns(stored, seen, ("a", "b", "c", "e")) == ()
    assert changed_columns(stored, seen, ("a", "f", "g")) == ("f",)
    assert changed_columns(stored, {**seen, "c": [Decimal("1.5"), {"d": 0}], "e": 1}, ("c", "e")) == ("c", "e")
