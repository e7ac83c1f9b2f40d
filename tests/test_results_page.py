"""benchmarks/results.md says what was met and what was missed, where it ran, and nothing of whose machine it was."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import Figure, Section, at_least, at_most


def write(path: Path, part: str, *figures: Figure) -> str:
    Section(part, f"Title of {part}", ["What was asked."], "18.4").write(figures, path)
    return path.read_text(encoding="utf-8")


def test_a_goal_is_said_to_be_met_or_missed(tmp_path: Path) -> None:
    text = write(
        tmp_path / "r.md", "a", at_least("fast", 20, 20), at_least("slow", 19.96, 20), at_most("near", 0.4, 0.5)
    )
    assert "| fast | 20 × | ≥ 20 × | met |" in text
    assert "| slow | 19.96 × | ≥ 20 × | **missed** |" in text
    assert "| near | 0.4 × | ≤ 0.5 × | met |" in text


def test_a_part_takes_the_place_of_its_own_section_alone(tmp_path: Path) -> None:
    page = tmp_path / "r.md"
    write(page, "a", Figure("first", "1 s"))
    write(page, "b", Figure("other", "2 s"))
    text = write(page, "a", Figure("again", "3 s"))
    assert text.index("again") < text.index("other")
    assert "first" not in text
    assert text.count("## Title of") == 2


def test_it_says_how_and_on_what_it_ran_and_not_where(tmp_path: Path) -> None:
    text = write(tmp_path / "r.md", "a", Figure("x", "1 s"))
    for said in ("`python -m benchmarks --only a`", "cores", "GiB", "Postgres 18.4", "Python 3.", "duckdb "):
        assert said in text
    for kept_back in (str(Path.cwd()), str(Path.home())):
        assert kept_back not in text
