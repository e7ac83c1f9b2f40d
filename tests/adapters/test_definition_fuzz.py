"""Files that cannot be read say where and why, at once; many are checked quickly."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from alerting_pipeline.adapters.yaml_tree import LARGEST_FILE, BadYaml, read
from tests.definition_folder import COMPLETE, DefinitionFolder


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "1:1: the file is empty"),
        (b"# only a comment\n", "1:1: the file is empty"),
        (b"a: 1\nb: \xff", "2:4: the file is not UTF-8 text here; save it as UTF-8"),
        ("a: 1".encode("utf-16"), "1:1: the file is not UTF-8 text here"),
        (b"a: \x00", "1:4: there is a control character (U+0000); remove it"),
        (b"a:\n\t- b", "2:1: a tab stands where only spaces may; indent with spaces"),
        (b"a: b: c", "1:5: a colon stands where none can"),
        (b"a: 'x\n", "2:1: a quote or bracket is not closed; close it"),
        (b"a: @x\n", '1:4: "@" cannot start a value; quote the text'),
        (b"a: !!set {b}\n", "1:4: the tag !!set is not accepted; write the value without a tag"),
        (b"a: !x b\n", "1:4: the tag !x is not accepted"),
        (b"a: 1\n---\nb: 2\n", "2:1: a second document starts here"),
        (b"a: *x\n", "1:4: the alias *x has no anchor before it"),
        (b"a: &x [*x]\n", "1:8: the alias *x has no anchor before it"),
        (b"[" * 5000, "1:31: the file is nested deeper than 30 levels"),
        (b"a: " + b"{a: " * 5000, "1:117: the file is nested deeper than 30 levels"),
        (b"a: &x 1\nb: [" + b"*x, " * 51 + b"]", "2:205: there are more than 50 aliases"),
        (b"x" * (LARGEST_FILE + 1), "1:1: the file is larger than 512 KiB"),
        (b"[" + b"1," * 30_000 + b"]", "1:40000: the file has more than 20000 values"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(content: bytes, sentence: str) -> None:
    with pytest.raises(BadYaml) as error:
        read(content, "x.yaml")
    assert str(error.value.problem).startswith(f"x.yaml:{sentence}")


def test_a_thousand_million_aliases_take_no_time() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    started = time.monotonic()
    with pytest.raises(BadYaml, match=r"more than (20000 values|50 aliases)"):
        read("\n".join(["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", *levels]).encode(), "x.yaml")
    assert time.monotonic() - started < 1


def test_scalars_stay_as_they_are_written() -> None:
    root, problems = read(b"on: yes\na: 1_000\nb: 010\nc: 0x10\nd: 1e400\ne: .nan\nf: 2026-01-01\ng: '1'\n", "x.yaml")
    assert problems == []
    assert root.plain() == {
        "on": "yes", "a": "1_000", "b": "010", "c": "0x10", "d": "1e400", "e": ".nan", "f": "2026-01-01", "g": "1",
    }  # fmt: skip


def test_an_alias_stands_for_its_value() -> None:
    root, _ = read(b"a: &x {b: [1, 2]}\nc: *x\n", "x.yaml")
    assert root.plain()["c"] == {"b": ["1", "2"]}


def test_200_definitions_are_checked_in_under_2_seconds(tmp_path: Path) -> None:
    made = DefinitionFolder.make(tmp_path, None)
    for number in range(200):
        made.write(f"area_{number % 5}/alert_{number}.yaml", COMPLETE.replace("alert: large", f"alert: large_{number}"))
    loaded = made.load()  # the first load also pays for imports
    assert (len(loaded.alerts), loaded.errors) == (200, ())
    spent = []
    for _ in range(3):
        started = time.process_time()
        made.load()
        spent.append(time.process_time() - started)
    print(f"200 definitions in {min(spent):.2f} s of processor time")
    assert min(spent) < 2
