"""The page of what was measured: a run replaces its own rows, keeps the others, and drops what is promised no more."""

from __future__ import annotations

from pathlib import Path

from tests.soak.lanes import ALONE, LANES
from tests.soak.page import BEGIN, END, NOT_YET, Row, write
from tests.soak.promise import AREAS, Measured, Promise

KILLS = Promise("delivery", "nothing is lost", "{count} kills", 10, 1_000)
TICKS = Promise("ticks", "a tick | two is harmless", "{count} ticks", 2, 20)


def _page(folder: Path) -> Path:
    page = folder / "reliability.md"
    page.write_text(f"# Before\n\n{BEGIN}\n{END}\n\nAfter\n", encoding="utf-8")
    return page


def _rows(page: Path) -> list[Row]:
    lines = page.read_text(encoding="utf-8").splitlines()
    return [Row.read(line) for line in lines if line.startswith("| ") and not line.startswith(("| promise", "| ---"))]


def test_one_area_leaves_the_rows_of_all_others(tmp_path: Path) -> None:
    page = _page(tmp_path)
    write([Measured(KILLS, 1_000, ["0 lost"], 61.4)], [KILLS, TICKS], page)
    assert [(row.area, row.figures) for row in _rows(page)] == [("delivery", "0 lost"), ("ticks", NOT_YET)]
    before = _rows(page)[0]
    assert before.shown == "1,000 kills" and before.when.endswith(", 61 s")
    write([Measured(TICKS, 20, ["0 missed"])], [KILLS, TICKS], page)
    assert _rows(page)[0] == before
    assert _rows(page)[1].figures == "0 missed" and _rows(page)[1].must_hold == "a tick | two is harmless"
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Before\n") and text.endswith("\n\nAfter\n")


def test_what_is_shown_in_another_way_loses_its_earlier_row(tmp_path: Path) -> None:
    page = _page(tmp_path)
    write([Measured(KILLS, 1_000, ["0 lost"])], [KILLS], page)
    write([], [Promise("delivery", "nothing is lost", "{count} restarts", 1, 5)], page)
    assert [(row.shown, row.figures) for row in _rows(page)] == [("5 restarts", NOT_YET)]


def test_a_whole_run_comes_to_every_area_once() -> None:
    areas = [*ALONE, *(area for lane in LANES for area in lane)]
    assert sorted(areas) == sorted(AREAS)
