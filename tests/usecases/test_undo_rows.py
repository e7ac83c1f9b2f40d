"""Rows are put back as they were, unless somebody has changed them since; what people typed over is kept and told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from alerting_pipeline.adapters.channels.csv_file import CsvChannel, CsvSettings
from alerting_pipeline.adapters.channels.sheet import SheetChannel, SheetSettings
from alerting_pipeline.adapters.channels.table import TableChannel, TableSettings
from alerting_pipeline.domain.ports import Delivery
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.store.written_rows import Chosen, PostgresRowLedger
from alerting_pipeline.usecases.undo_rows import Undone, undo_rows
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import OPENED
from tests.usecases.world import World, definition

CHANNELS = ["table", "sheet", "csv"]
COLUMNS = ("status", "severity", "merchant", "amount")


class Place:
    """One destination of each kind, with the ledger of its rows."""

    def __init__(self, world: World, kind: str, folder: Path, number: int) -> None:
        self.world, self.kind, self.number = world, kind, number
        self.ledger = PostgresRowLedger(world.engine, lambda: world.now)
        self.path = folder / f"review.{'xlsx' if kind == 'sheet' else 'csv'}"
        self.channel: Any = {
            "table": lambda: TableChannel(TableSettings(), "review", lambda: world.engine, self.ledger),
            "sheet": lambda: SheetChannel(SheetSettings(), self.path, self.ledger),
            "csv": lambda: CsvChannel(CsvSettings(columns=COLUMNS), self.path, self.ledger),
        }[kind]()

    def message(self, **changes: Any) -> Message:
        return replace(OPENED, incident_id=self.number, **changes)

    def write(self, **changes: Any) -> Delivery:
        sent = delivery(self.message(**changes), destination="review", channel=self.kind)
        self.receipt = self.channel.deliver(sent)
        return sent

    def undo(self, chosen: Chosen | None = None) -> list[Undone]:
        rows = self.ledger.chosen(chosen or Chosen(incident_id=self.number))
        return undo_rows(rows, lambda name: self.channel, self.ledger, "ada")

    def row(self) -> dict[str, Any] | None:
        """What stands there now about the incident."""
        if self.kind == "table":
            found = self.world.sql("select * from operations.review where incident_id = %s", self.number)
            return found[0] if found else None
        if self.kind == "csv":
            header, *lines = [line.split(",") for line in self.path.read_text().splitlines()]
            return next((dict(zip(header, line, strict=True)) for line in lines), None)
        header, *lines = load_workbook(self.path)["Incidents"].iter_rows(values_only=True)
        rows = [{str(name): value for name, value in zip(header, line, strict=True)} for line in lines]
        return next((row for row in rows if row["incident_id"] == self.number), None)

    def type(self, column: str, value: Any) -> None:
        """Somebody changes a cell."""
        if self.kind == "table":
            self.world.sql(f"update operations.review set {column} = %s", value)
        elif self.kind == "csv":
            self.path.write_text(self.path.read_text().replace("retail", value).replace("high", value))
        else:
            book = load_workbook(self.path)
            sheet = book["Incidents"]
            places: dict[Any, Any] = {cell.value: cell.column for cell in sheet[1]}
            sheet.cell(2, places.get(column, len(places) + 1)).value = value
            if column not in places:
                sheet.cell(1, len(places) + 1, column)
            book.save(self.path)


@pytest.fixture
def number(world: World) -> int:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    return world.incidents()[0]["incident_id"]


@pytest.fixture
def at(world: World, number: int, tmp_path: Path) -> Iterator[Callable[[str], Place]]:
    yield lambda kind: Place(world, kind, tmp_path, number)


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_new_row_goes_and_a_changed_one_is_as_it_was(at: Callable[[str], Place], kind: str) -> None:
    place = at(kind)
    place.write()
    first = place.row()
    last = place.write(severity="critical", status="acknowledged", transition="acknowledged")
    assert (place.row() or {})["severity"] == "critical"
    assert [each.refused for each in place.undo(Chosen(delivery_id=str(last.id)))] == [""]
    assert place.row() == first
    assert [each.refused for each in place.undo()] == [""]
    assert place.row() is None or set((place.row() or {}).values()) == {None}
    entries = place.world.sql("select actor, action from ledger.audit_log where action = 'row_undone'")
    assert entries == [{"actor": "ada", "action": "row_undone"}] * 2
    assert place.ledger.chosen(Chosen(incident_id=place.number)) == []


@pytest.mark.parametrize("kind", CHANNELS)
def test_all_of_an_incident_are_undone_the_newest_first(at: Callable[[str], Place], kind: str) -> None:
    place = at(kind)
    for severity in ("high", "critical", "low"):
        place.write(severity=severity)
    assert [each.refused for each in place.undo()] == ["", "", ""]
    assert place.row() is None or set((place.row() or {}).values()) == {None}


@pytest.mark.parametrize("kind", CHANNELS)
def test_what_somebody_changed_since_is_left_alone_with_all_before_it(at: Callable[[str], Place], kind: str) -> None:
    place = at(kind)
    place.write()
    place.write(severity="critical", status="acknowledged")
    place.type("severity" if kind != "csv" else "segment", "none of yours")
    if kind == "csv":
        place.path.write_text(place.path.read_text().replace("critical", "none of yours"))
    before = place.row()
    refused = [each.refused for each in place.undo()]
    assert "changed" in refused[0] and refused[1] == "what was written over it since was not undone"
    assert place.row() == before
    assert len(place.ledger.chosen(Chosen(incident_id=place.number))) == 2


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_repeated_delivery_is_noted_once_as_it_was_before_the_first(at: Callable[[str], Place], kind: str) -> None:
    place = at(kind)
    sent = place.write()
    place.channel.deliver(replace(sent, attempt=2, is_uncertain=True))
    (row,) = place.ledger.chosen(Chosen())
    assert row.before is None and json.loads(row.after or "{}")["severity"] == "high"


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_preview_says_what_would_be_written_and_writes_nothing(at: Callable[[str], Place], kind: str) -> None:
    place = at(kind)
    place.write()
    before = place.row()
    (row,) = place.channel.preview([delivery(place.message(severity="critical"), destination="review", channel=kind)])
    assert "severity" in row.changed
    assert (row.values[0] or {})["severity"] == "high" and (row.values[1] or {})["severity"] == "critical"
    assert place.row() == before and len(place.ledger.chosen(Chosen())) == 1


def test_values_keep_every_digit_and_their_kind(at: Callable[[str], Place]) -> None:
    place = at("table")
    place.world.sql(
        "create table operations.review (incident_id bigint primary key, severity text, amount numeric, seen_at "
        "timestamptz default '2026-01-05 05:00:00.123456+00', note text); "
        "grant all on operations.review to alerting_app; "
        f"insert into operations.review values ({place.number}, 'low', 12345678901234567890.123456789)"
    )
    before = place.row()
    place.write()
    assert [each.refused for each in place.undo()] == [""]
    assert place.row() == before


def test_a_row_beside_which_somebody_typed_is_not_removed(at: Callable[[str], Place]) -> None:
    for kind in ("table", "sheet"):
        place = at(kind)
        if kind == "table":
            place.write()
            place.world.sql("alter table operations.review add column remark text")
        else:
            place.write()
        place.type("remark", "ask Marta")
        (first, *_) = place.undo(Chosen(destination="review", incident_id=place.number))
        assert "somebody has" in first.refused
        place.world.sql("delete from ledger.written_rows")


# --- what people typed over -------------------------------------------------------------------------------------------


def test_a_cell_of_ours_that_somebody_typed_over_is_kept_and_told(at: Callable[[str], Place]) -> None:
    place = at("sheet")
    place.write()
    place.type("severity", "not that bad")
    place.write(severity="critical", status="acknowledged", transition="updated")
    row = place.row() or {}
    assert (row["severity"], row["status"]) == ("not that bad", "acknowledged")
    assert place.receipt.data["warning"] == "kept what somebody typed over: severity"
    events = place.world.sql("select event, actor, detail from ledger.incident_events where event = 'edit_kept'")
    assert events == [
        {"event": "edit_kept", "actor": "review", "detail": {"columns": ["severity"], "destination": "review"}}
    ]


def test_it_stays_kept_and_is_told_in_the_history_once(at: Callable[[str], Place]) -> None:
    place = at("sheet")
    place.write()
    place.type("severity", "not that bad")
    for status in ("acknowledged", "snoozed", "resolved"):
        place.write(severity="critical", status=status)
    assert (place.row() or {})["severity"] == "not that bad"
    assert len(place.world.sql("select 1 from ledger.incident_events where event = 'edit_kept'")) == 1


def test_a_cell_that_somebody_set_to_what_we_would_write_is_ours_again(at: Callable[[str], Place]) -> None:
    place = at("sheet")
    place.write()
    place.type("severity", "critical")
    place.write(severity="critical")
    assert "warning" not in place.receipt.data
    place.write(severity="low")
    assert (place.row() or {})["severity"] == "low"


def test_a_cell_that_somebody_emptied_stays_empty(at: Callable[[str], Place]) -> None:
    place = at("sheet")
    place.write()
    place.type("summary", None)
    place.write(severity="critical", summary="still the same")
    assert (place.row() or {})["summary"] is None


def test_what_was_kept_moves_with_its_row_to_another_list(world: World, number: int, tmp_path: Path) -> None:
    ledger = PostgresRowLedger(world.engine, lambda: world.now)
    sheet = SheetChannel(SheetSettings(tab_by="segment"), tmp_path / "lists.xlsx", ledger)

    def put(segment: str) -> Any:
        record = {**OPENED.record, "segment": segment}
        message = replace(OPENED, incident_id=number, record=record)
        return sheet.deliver(delivery(message, destination="review", channel="sheet"))

    put("retail")
    book = load_workbook(tmp_path / "lists.xlsx")
    places: dict[Any, Any] = {cell.value: cell.column for cell in book["retail"][1]}
    book["retail"].cell(2, places["severity"], "not that bad")
    book.save(tmp_path / "lists.xlsx")
    assert put("premium").data["warning"] == "kept what somebody typed over: severity"
    moved = load_workbook(tmp_path / "lists.xlsx")["premium"]
    header = [cell.value for cell in moved[1]]
    assert moved.cell(2, header.index("severity") + 1).value == "not that bad"
