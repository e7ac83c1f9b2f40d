"""A sheet that people work in keeps what they typed."""

from __future__ import annotations

import threading
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from pydantic import ValidationError

from alerting_pipeline.adapters.channels.sheet import SheetChannel, SheetSettings
from alerting_pipeline.domain.ports import Receipt, Undelivered
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import CASES, HOSTILE, OPENED, hostile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "review.xlsx"


def channel(path: Path, **settings: Any) -> SheetChannel:
    return SheetChannel(SheetSettings(**settings), path)


def rows(path: Path) -> list[dict[str, Any]]:
    header, *lines = load_workbook(path)["Incidents"].iter_rows(values_only=True)
    return [{str(name): value for name, value in zip(header, line, strict=True)} for line in lines]


def test_incident_is_one_row_kept_up_to_date(path: Path) -> None:
    sheet = channel(path)
    first = sheet.deliver(delivery())
    second = sheet.deliver(delivery(CASES["cleared"]))
    (row,) = rows(path)
    assert first == second == Receipt({"via": "sheet", "file": "review.xlsx", "row": 2})
    assert (row["incident_id"], row["status"], row["amount"]) == (41, "resolved", 15000)


def test_same_delivery_twice_changes_nothing(path: Path) -> None:
    sheet, same = channel(path), delivery()
    sheet.deliver(same)
    before = rows(path)
    sheet.deliver(same)
    assert rows(path) == before


def test_columns_and_cells_of_people_are_kept_wherever_they_are(path: Path) -> None:
    channel(path).deliver(delivery())
    book = load_workbook(path)
    sheet = book["Incidents"]
    sheet.insert_cols(1)
    sheet["A1"], sheet["A2"] = "Reviewer", "Marta"
    sheet.cell(1, sheet.max_column + 1, "Score")
    sheet.cell(2, sheet.max_column, "=1+1")
    sheet["A5"] = "a remark below"
    book.create_sheet("Notes")["A1"] = "mine"
    book.save(path)
    channel(path).deliver_batch([delivery(CASES["cleared"]), delivery(replace(OPENED, incident_id=42))])
    book = load_workbook(path)
    kept = rows(path)
    assert (kept[0]["Reviewer"], kept[0]["Score"], kept[0]["status"]) == ("Marta", "=1+1", "resolved")
    assert book["Incidents"]["A5"].value == "a remark below"
    assert book["Notes"]["A1"].value == "mine"
    assert [row["incident_id"] for row in kept if row["incident_id"]] == [41, 42]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_is_a_formula(path: Path, name: str) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()
    channel(path).deliver(delivery(hostile(text)))
    for cell in load_workbook(path)["Incidents"][2]:
        assert cell.data_type != "f"
        assert not isinstance(cell.value, str) or not cell.value.startswith(("=", "+", "-", "@", "\t", "\r"))
    with zipfile.ZipFile(path) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_header_of_data_is_no_formula_either(path: Path) -> None:
    channel(path).deliver(delivery(replace(OPENED, record={"=1+1": "x"})))
    assert "'=1+1" in rows(path)[0]


def test_header_stays_in_sight_and_columns_are_readable(path: Path) -> None:
    channel(path).deliver(delivery())
    sheet = load_workbook(path)["Incidents"]
    assert sheet.freeze_panes == "B2"
    assert sheet.cell(1, 1).font.bold
    assert all(sheet.column_dimensions[letter].width >= 11 for letter in "ABCDEF")


def test_full_sheet_refuses_new_incidents_and_still_takes_known_ones(path: Path) -> None:
    sheet = channel(path, most_rows=1)
    sheet.deliver(delivery())
    answers = sheet.deliver_batch([delivery(replace(OPENED, incident_id=42)), delivery(CASES["cleared"])])
    assert isinstance(answers[0], Undelivered) and not answers[0].retryable
    assert rows(path)[0]["status"] == "resolved"


def test_file_that_is_no_sheet_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(Undelivered, match="not a readable") as error:
        channel(path).deliver(delivery())
    assert not error.value.retryable
    assert path.read_text() == "mine"


def test_eight_writers_lose_no_row(path: Path) -> None:
    def write(number: int) -> None:
        for step in range(3):
            channel(path).deliver(delivery(replace(OPENED, incident_id=number * 10 + step)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {row["incident_id"] for row in rows(path)} == {n * 10 + s for n in range(8) for s in range(3)}


def test_message_without_an_incident_has_no_row(path: Path) -> None:
    with pytest.raises(Undelivered):
        channel(path).deliver(delivery(replace(OPENED, incident_id=None)))


@pytest.mark.parametrize("name", ["../x.xlsx", "/etc/x.xlsx", "x.csv", ".x.xlsx", "a/b.xlsx"])
def test_file_stays_in_its_folder(name: str) -> None:
    with pytest.raises(ValidationError):
        SheetSettings(file=name)
