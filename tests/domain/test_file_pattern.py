from __future__ import annotations

import pytest

from alerting_pipeline.domain.file_pattern import FilePattern, is_unfinished, natural_order


def test_fields_are_read_from_the_path() -> None:
    pattern = FilePattern.parse("{period}/{delivery}/*.csv.gz")
    assert pattern.match("20261001-20261101/2026-10-31/report-00001.csv.gz") == {
        "period": "20261001-20261101",
        "delivery": "2026-10-31",
    }
    assert pattern.depth == 3


@pytest.mark.parametrize(
    "name", ["a.csv.gz", "p/d/x/a.csv.gz", "p/d/a.csv", "p/d/a.csv.gz.part", "p/.d/a.csv.gz", "p/d/.a.csv.gz"]
)
def test_other_and_unfinished_files_do_not_match(name: str) -> None:
    assert FilePattern.parse("{period}/{delivery}/*.csv.gz").match(name) is None


def test_a_field_that_stands_twice_has_one_value() -> None:
    pattern = FilePattern.parse("{day}/{day}-*.csv")
    assert pattern.match("2026-01-01/2026-01-01-a.csv") == {"day": "2026-01-01"}
    assert pattern.match("2026-01-01/2026-01-02-a.csv") is None


def test_two_stars_take_any_depth() -> None:
    pattern = FilePattern.parse("**/{day}.csv")
    assert pattern.depth is None
    assert pattern.match("2026.csv") == {"day": "2026"}
    assert pattern.match("a/b c/2026.csv") == {"day": "2026"}


def test_brackets_and_dots_of_a_pattern_are_letters() -> None:
    assert FilePattern.parse("{day}[1].csv").match("x[1].csv") == {"day": "x"}
    assert FilePattern.parse("a.csv").match("axcsv") is None


@pytest.mark.parametrize("text", ["", "/a.csv", "../a.csv", "a//b.csv", "{}.csv", "{Day}.csv", "{day.csv", "a\\b.csv"])
def test_what_is_no_pattern_below_the_root_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        FilePattern.parse(text)


@pytest.mark.parametrize(
    "name", ["a.part", "a.CSV.TMP", "~$a.csv", ".a", "x/.b/a.csv", "a.csv~", ".a.csv.77.unfinished"]
)
def test_unfinished_files_are_told_by_their_name(name: str) -> None:
    assert is_unfinished(name)


def test_fields_are_ordered_as_people_read_them() -> None:
    for ordered in (
        ["report-9", "report-10", "report-100"],
        ["2026-10-4", "2026-10-31", "2026-10-31T12", "2026-11-01"],
        ["20261031T090000Z", "20261031T100000Z"],
        ["v1", "v1.2", "v1.10", "v1²"],
    ):
        mixed = [*ordered[1::2], *ordered[::2]]
        assert sorted(mixed, key=natural_order) == ordered
    assert natural_order("01") != natural_order("1")
