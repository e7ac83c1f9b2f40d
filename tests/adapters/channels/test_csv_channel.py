"""A list that a program imports: whole at every instant, each incident once, and nothing that wasn't asked for."""

from __future__ import annotations

import csv
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerting_pipeline.adapters.channels.csv_file import CsvChannel, CsvSettings
from alerting_pipeline.adapters.channels.registry import check
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.ports import Receipt, Undelivered
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import CASES, HOSTILE, OPENED, hostile

COLUMNS = ("title", "amount", "status")
ANOTHER = replace(OPENED, incident_id=42)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "audience.csv"


def channel(path: Path, **settings: Any) -> CsvChannel:
    return CsvChannel(CsvSettings(**{"columns": COLUMNS, **settings}), path)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_incident_is_one_row_of_the_listed_columns_after_its_key(path: Path) -> None:
    receipt = channel(path).deliver(delivery())
    assert receipt == Receipt({"via": "csv", "file": "audience.csv", "incident_id": 41})
    assert list(rows(path)[0]) == ["incident_id", *COLUMNS]
    assert rows(path)[0]["incident_id"] == "41" and rows(path)[0]["amount"] == "15000"


def test_lines_end_as_the_standard_says(path: Path) -> None:
    channel(path).deliver(delivery())
    assert path.read_bytes().startswith(b"incident_id,title,amount,status\r\n41,")
    assert path.read_bytes().endswith(b"\r\n")


def test_same_delivery_twice_changes_nothing(path: Path) -> None:
    list_of_ours, same = channel(path), delivery()
    list_of_ours.deliver(same)
    before = path.read_bytes()
    list_of_ours.deliver(same)
    assert path.read_bytes() == before


def test_row_of_an_ended_incident_is_marked(path: Path) -> None:
    channel(path).deliver_batch([delivery(), delivery(ANOTHER), delivery(CASES["cleared"])])
    assert [(row["incident_id"], row["status"]) for row in rows(path)] == [("41", "resolved"), ("42", "open")]


def test_row_of_an_ended_incident_is_removed_where_that_is_asked_for(path: Path) -> None:
    audience = channel(path, when_resolved="remove")
    audience.deliver_batch([delivery(), delivery(ANOTHER)])
    ended = delivery(CASES["cleared"])
    for _ in range(2):
        assert audience.deliver(ended).data["removed"]
    assert [row["incident_id"] for row in rows(path)] == ["42"]


def test_ending_of_what_was_never_listed_leaves_a_list_without_rows(path: Path) -> None:
    channel(path, when_resolved="remove").deliver(delivery(CASES["cleared"]))
    assert path.read_bytes() == b"incident_id,title,amount,status\r\n"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_field_is_a_formula_and_every_text_comes_back(path: Path, name: str) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()
    audience = channel(path, columns=("summary", "title", "status"))
    audience.deliver(delivery(hostile(text)))
    once = rows(path)
    audience.deliver(delivery(ANOTHER))  # reads what was written, and writes it again
    assert rows(path)[0] == once[0]
    for value in once[0].values():
        assert not value.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_other_columns_take_effect_with_the_next_row(path: Path) -> None:
    channel(path).deliver(delivery())
    channel(path, columns=("status", "title")).deliver(delivery(ANOTHER))
    assert list(rows(path)[0]) == ["incident_id", "status", "title"]
    assert rows(path)[0]["title"] == rows(path)[1]["title"] != ""


def test_file_of_others_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"name,mail\r\nAda,a@b\r\n", b"\xff\xfe", b'incident_id,a\r\n1,"open'):
        path.write_bytes(content)
        with pytest.raises(Undelivered, match="rename it") as error:
            channel(path).deliver(delivery())
        assert not error.value.retryable
        assert path.read_bytes() == content


def test_full_file_refuses_new_incidents_and_still_takes_known_ones(path: Path) -> None:
    audience = channel(path, most_rows=1)
    answers = audience.deliver_batch([delivery(), delivery(ANOTHER), delivery(CASES["cleared"])])
    assert [isinstance(answer, Undelivered) for answer in answers] == [False, True, False]
    assert rows(path)[0]["status"] == "resolved"


def test_message_without_an_incident_has_no_row(path: Path) -> None:
    with pytest.raises(Undelivered):
        channel(path).deliver(delivery(replace(OPENED, incident_id=None)))


def test_eight_writers_lose_no_row_and_no_reader_sees_half_a_list(path: Path) -> None:
    channel(path).deliver(delivery(ANOTHER))
    seen: list[int] = []
    is_over = threading.Event()

    def write(number: int) -> None:
        for step in range(3):
            channel(path).deliver(delivery(replace(OPENED, incident_id=100 + number * 10 + step)))

    def read() -> None:
        while not is_over.is_set():
            seen.append(len(rows(path)))

    reader = threading.Thread(target=read)
    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    is_over.set()
    reader.join()
    assert {row["incident_id"] for row in rows(path)} == {
        "42",
        *(str(100 + n * 10 + s) for n in range(8) for s in range(3)),
    }
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    "settings",
    [
        {"columns": ()},
        {"columns": ("amount",)},
        {"columns": ("amount", "amount", "status")},
        {"columns": ("a b", "status")},
        {"columns": COLUMNS, "file": "../x.csv"},
        {"columns": COLUMNS, "file": "x.xlsx"},
        {"columns": COLUMNS, "when_resolved": "burn"},
    ],
)
def test_settings_that_can_not_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CsvSettings(**settings)


def test_ended_rows_that_could_not_be_told_are_a_mistake_with_a_remedy() -> None:
    (problem,) = check(Destination(name="audience", channel="csv", settings={"columns": ["amount"]}))
    assert problem == "columns lack status, by which an ended row is marked; add it, or when_resolved: remove"
