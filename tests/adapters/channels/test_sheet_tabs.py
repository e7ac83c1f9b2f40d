"""A sheet with a list per value of a column: each row in the right one, and what people typed goes along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from pydantic import ValidationError

from alerting_pipeline.adapters.channels.sheet import SheetChannel, SheetSettings
from alerting_pipeline.adapters.channels.sheet_tabs import LONGEST_NAME, tab_name
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import HOSTILE, OPENED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "at_risk.xlsx"


def lists(path: Path, **settings: Any) -> SheetChannel:
    return SheetChannel(SheetSettings(**{"tab_by": "manager", "worksheet": "Nobody", **settings}), path)


def incident(number: int, manager: str | None, **more: str) -> Delivery:
    record: Mapping[str, Any] = {"location": f"l{number}", "manager": manager, **more}
    return delivery(replace(OPENED, incident_id=number, record=record))


def rows(path: Path, tab: str) -> list[dict[str, Any]]:
    header, *lines = load_workbook(path)[tab].iter_rows(values_only=True)
    found = [{str(name): value for name, value in zip(header, line, strict=True)} for line in lines]
    return [row for row in found if any(value is not None for value in row.values())]


def tabs(path: Path) -> dict[str, list[int]]:
    names = load_workbook(path).sheetnames
    return {name: [row["incident_id"] for row in rows(path, name)] for name in names}


def test_each_manager_has_a_list_and_rows_without_one_have_another(path: Path) -> None:
    answers = lists(path).deliver_batch(
        [incident(1, "Jana"), incident(2, "Karim"), incident(3, "Jana"), incident(4, None), incident(5, " ")]
    )
    assert tabs(path) == {"Jana": [1, 3], "Karim": [2], "Nobody": [4, 5]}
    assert answers[1] == Receipt({"via": "sheet", "file": "at_risk.xlsx", "tab": "Karim", "row": 2})


def test_without_tab_by_there_is_one_list(path: Path) -> None:
    lists(path, tab_by=None).deliver_batch([incident(1, "Jana"), incident(2, "Karim")])
    assert tabs(path) == {"Nobody": [1, 2]}


def test_row_moves_with_its_manager_and_takes_along_what_was_typed(path: Path) -> None:
    lists(path).deliver_batch([incident(1, "Jana"), incident(2, "Jana"), incident(3, "Karim")])
    book = load_workbook(path)
    sheet = book["Jana"]
    last = sheet.max_column
    sheet.cell(1, last + 1, "Agreed")
    sheet.cell(1, last + 2, "Twice")
    sheet.cell(2, last + 1, 21)
    sheet.cell(2, last + 2, f"={sheet.cell(2, last + 1).coordinate}*2")
    sheet.cell(2, last + 3, "a word without a header")
    sheet.cell(3, last + 1, "stays")
    sheet.cell(2, last + 1).comment = Comment("by phone", "Jana")
    book.save(path)

    moved = lists(path).deliver(incident(1, "Karim"))

    assert moved.data["tab"] == "Karim"
    assert tabs(path) == {"Jana": [2], "Karim": [3, 1]}
    there = load_workbook(path)["Karim"]
    columns = {there.cell(1, place).value: place for place in range(1, there.max_column + 1)}
    agreed = there.cell(3, columns["Agreed"])
    assert agreed.value == 21
    assert agreed.comment is not None and agreed.comment.text == "by phone"
    assert there.cell(3, columns["Twice"]).value == f"={agreed.coordinate}*2"
    assert "a word without a header" in [cell.value for cell in there[3]]
    assert rows(path, "Jana")[0]["Agreed"] == "stays"
    assert all(cell.value is None and cell.comment is None for cell in load_workbook(path)["Jana"][2])


def test_row_that_came_back_is_in_one_list(path: Path) -> None:
    for manager in ("Jana", "Karim", "Jana", None, "Jana"):
        lists(path).deliver(incident(1, manager))
    assert tabs(path) == {"Jana": [1], "Karim": [], "Nobody": []}


def test_same_delivery_twice_changes_nothing(path: Path) -> None:
    same = incident(1, "Karim")
    lists(path).deliver_batch([incident(1, "Jana"), same])
    before = tabs(path)
    lists(path).deliver(same)
    assert tabs(path) == before == {"Jana": [], "Karim": [1]}


def test_worksheets_of_people_are_left_alone(path: Path) -> None:
    book = Workbook()
    book.worksheets[0].title = "Karim"
    book["Karim"]["A1"] = "my own list"
    book.save(path)
    lists(path).deliver_batch([incident(1, "Karim"), incident(2, "Karim")])
    book = load_workbook(path)
    mine, ours = book.sheetnames
    assert [cell.value for cell in book["Karim"][1]] == ["my own list"]
    assert ours.startswith("Karim ") and tabs(path)[ours] == [1, 2]
    assert mine == "Karim"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("North/East", "North:East"),
        ("Jana", "JANA"),
        ("A" * 31 + "x", "A" * 31 + "y"),
        ("Nobody", None),
        ("Karim", "Karim'"),
        ("🚚" * 20, "🚚" * 21),
    ],
)
def test_two_values_never_share_a_list(path: Path, one: str, other: str | None) -> None:
    for _ in range(2):
        lists(path).deliver_batch([incident(1, one), incident(2, other)])
    assert sorted(tabs(path).values()) == [[1], [2]]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_value_makes_a_name_that_excel_takes(path: Path, name: str) -> None:
    value = HOSTILE[name].encode("utf-8", "replace").decode()
    lists(path).deliver(incident(1, value))
    (title,) = load_workbook(path).sheetnames
    assert 0 < len(title.encode("utf-16-le")) // 2 <= LONGEST_NAME
    assert not set(title) & set("[]:*?/\\")
    assert not title.startswith("'") and not title.endswith("'")


def test_name_that_excel_keeps_for_itself_is_not_used() -> None:
    assert tab_name("History") == "History list"
    assert tab_name("'''") == "list"


def test_full_list_refuses_new_rows_and_leaves_the_others_alone(path: Path) -> None:
    answers = lists(path, most_rows=1).deliver_batch([incident(1, "Jana"), incident(2, "Jana"), incident(3, "Karim")])
    assert [isinstance(answer, Undelivered) for answer in answers] == [False, True, False]
    assert tabs(path) == {"Jana": [1], "Karim": [3]}


def test_row_without_an_incident_makes_no_file(path: Path) -> None:
    with pytest.raises(Undelivered):
        lists(path).deliver(delivery(replace(OPENED, incident_id=None)))
    assert not path.exists()


def test_tab_by_is_the_name_of_a_column() -> None:
    with pytest.raises(ValidationError):
        SheetSettings(tab_by="owner name")
