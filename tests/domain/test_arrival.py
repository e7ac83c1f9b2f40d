from __future__ import annotations

from itertools import permutations
from pathlib import Path

from alerting_pipeline.domain.arrival import ArrivedFile, Delivery, KnownFile, Verdict, decide, deliveries, is_known_bad
from alerting_pipeline.domain.file_pattern import FilePattern
from alerting_pipeline.domain.source import Ingest, Mode, Source


def _source(mode: str, pattern: str, **more: str) -> Source:
    return Source(
        "costs", Ingest.model_validate({"kind": "files", "pattern": pattern, "mode": mode, "format": "csv", **more})
    )


REPORT = _source("replace_period", "{period}/{delivery}/*.csv", period="period", delivery="delivery")


def _file(name: str, source: Source = REPORT, listed: frozenset[str] | None = None) -> ArrivedFile:
    fields = FilePattern.parse(source.ingest.pattern.text).match(name)
    assert fields is not None
    return ArrivedFile(name, Path(name), 10, fields, listed)


def _hash(file: ArrivedFile) -> str:
    return f"hash of {file.name}"


def _never(file: ArrivedFile) -> str:
    raise AssertionError(f"{file.name} need not be read")


def test_files_of_one_folder_are_one_delivery_and_newest_comes_first() -> None:
    files = [_file(f"p/{day}/report-{part}.csv") for day in ("2026-10-9", "2026-10-10") for part in (10, 9)]
    made = deliveries(REPORT, files)
    assert [(each.delivery, [file.base_name for file in each.files]) for each in made] == [
        ("2026-10-10", ["report-9.csv", "report-10.csv"]),
        ("2026-10-9", ["report-9.csv", "report-10.csv"]),
    ]


def test_a_delivery_waits_for_every_file_that_its_manifest_lists() -> None:
    listed = frozenset({"report-1.csv", "report-2.csv"})
    early = deliveries(REPORT, [_file("p/d/report-1.csv", listed=listed)])
    assert early[0].missing == ("report-2.csv",)
    assert decide(Mode.REPLACE_PERIOD, early[0], [], _never) is Verdict.INCOMPLETE
    late = deliveries(REPORT, [_file(f"p/d/report-{part}.csv", listed=listed) for part in (1, 2, 3)])
    assert [file.base_name for file in late[0].files] == ["report-1.csv", "report-2.csv"]


def test_whatever_the_order_of_arrival_the_newest_delivery_holds() -> None:
    days = ["2026-10-10", "2026-10-20", "2026-10-31"]
    for order in permutations(days):
        known: list[KnownFile] = []
        for load_id, day in enumerate(order):
            (delivery,) = deliveries(REPORT, [_file(f"p/{day}/report.csv")])
            verdict = decide(Mode.REPLACE_PERIOD, delivery, known, _hash)
            status = "loaded" if verdict.is_taken else "superseded"
            if verdict.is_taken:
                known = [KnownFile(k.load_id, k.file, k.content_hash, "replaced", k.period, k.delivery) for k in known]
            known.append(KnownFile(load_id, f"p/{day}/report.csv", _hash(delivery.files[0]), status, "p", day))
        assert [each.delivery for each in known if each.status == "loaded"] == ["2026-10-31"], order


def test_only_a_file_of_the_delivery_that_holds_is_read_to_see_whether_it_changed() -> None:
    known = [KnownFile(1, "p/2/a.csv", "x", "loaded", "p", "2")]

    def one(day: str) -> Delivery:
        return deliveries(REPORT, [_file(f"p/{day}/a.csv")])[0]

    assert decide(Mode.REPLACE_PERIOD, one("1"), known, _never) is Verdict.SUPERSEDED
    assert decide(Mode.REPLACE_PERIOD, one("3"), known, _never) is Verdict.NEW
    assert decide(Mode.REPLACE_PERIOD, one("2"), known, lambda _: "x") is Verdict.UNCHANGED
    assert decide(Mode.REPLACE_PERIOD, one("2"), known, lambda _: "y") is Verdict.CHANGED


def test_a_file_that_was_cleared_away_is_no_change_but_a_further_one_is() -> None:
    known = [KnownFile(part, f"p/2/{part}.csv", "x", "loaded", "p", "2") for part in (1, 2)]
    fewer = deliveries(REPORT, [_file("p/2/1.csv")])[0]
    more = deliveries(REPORT, [_file(f"p/2/{part}.csv") for part in (1, 2, 3)])[0]
    assert decide(Mode.REPLACE_PERIOD, fewer, known, lambda _: "x") is Verdict.UNCHANGED
    assert decide(Mode.REPLACE_PERIOD, more, known, lambda _: "x") is Verdict.CHANGED


def test_appended_files_are_each_taken_once_by_name_and_content() -> None:
    daily = _source("append", "{day}.csv")
    made = deliveries(daily, [_file("10.csv", daily), _file("9.csv", daily)])
    assert [each.name for each in made] == ["9.csv", "10.csv"]
    known = [KnownFile(1, "9.csv", "x", "loaded")]
    assert decide(Mode.APPEND, made[0], known, lambda _: "x") is Verdict.UNCHANGED
    assert decide(Mode.APPEND, made[0], known, lambda _: "y") is Verdict.CHANGED
    assert decide(Mode.APPEND, made[1], known, _never) is Verdict.NEW


def test_refused_content_is_known_until_it_changes() -> None:
    daily = _source("append", "{day}.csv")
    (delivery,) = deliveries(daily, [_file("9.csv", daily)])
    known = [KnownFile(1, "9.csv", "bad", "failed")]
    assert is_known_bad(delivery, known, lambda _: "bad")
    assert not is_known_bad(delivery, known, lambda _: "repaired")
    assert not is_known_bad(delivery, [], _never)
