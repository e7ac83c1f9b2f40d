"""Files damaged at random: each bad one gives an error with its place, none a traceback or harm to another."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from alerting_pipeline.adapters.yaml_tree import LARGEST_FILE, BadYaml, read
from tests.definition_folder import COMPLETE, DATA, MINIMAL, REPORT, DefinitionFolder

BAD_FILES = 300
PIECES = [
    "&a [*a]", "!!python/object/apply:os.system [id]", "{", "[", "}", "\t", "\x00", "\x7f", "\ufeff", "- ", ": ", "? ",
    "'", '"', "|\n", ">-\n", "<<: *x", "*x", "%YAML 9\n", "---\n", "...\n", "1e400", ".nan", "null", "{{", "}}", "💳",
    "0x", "-1", "[[[[[[", "a" * 3000, "\\u0000", "\u2028", "\x85", "#", "@", "`", "!", "&", "\r", "select 1", "); drop",
]  # fmt: skip


def damaged(chance: random.Random) -> bytes:
    text = chance.choice([MINIMAL, COMPLETE, DATA, REPORT])
    lines = text.splitlines(keepends=True)
    for _ in range(chance.randint(1, 4)):
        how = chance.randrange(7)
        at = chance.randrange(len(lines))
        if how == 0:
            place = chance.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:place] + chance.choice(PIECES) + lines[at][place:]
        elif how == 1:
            lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
        elif how == 2:
            lines[at] = " " * chance.randint(1, 5) + lines[at]
        elif how == 3:
            lines[at] = re.sub(r":.*", ": " + chance.choice(PIECES), lines[at], count=1) + "\n"
        elif how == 4:
            lines.insert(at, chance.choice(lines))
        elif how == 5:
            lines[at] = re.sub(r"[a-z]{4,}", lambda word: word.group()[::-1], lines[at], count=1)
        else:
            lines[at] = lines[at].replace(" ", "", 1)
    content = "".join(lines).encode("utf-8", "surrogatepass")
    if chance.random() < 0.05:
        place = chance.randrange(len(content))
        content = content[:place] + bytes([chance.randrange(128, 256)]) + content[place:]
    return content


def test_300_damaged_files_give_300_errors_with_their_place_and_harm_no_other(tmp_path: Path) -> None:
    chance = random.Random(20260105)
    made = DefinitionFolder.make(tmp_path)
    made.write("fraud/good.yaml", MINIMAL.replace("large_transaction", "good"))
    (made.folder / "fraud/large_transaction.yaml").unlink()
    scratch = DefinitionFolder.make(tmp_path / "scratch", None)
    bad, tried = 0, 0
    while bad < BAD_FILES:
        content = damaged(chance).replace(b"large_transaction\n", f"bad_{bad}\n".encode(), 1)
        scratch.write("fraud/one.yaml", content)
        tried += 1
        assert tried < 3 * BAD_FILES
        if "fraud/one.yaml" in scratch.load().bad_files:
            made.write(f"bad/file_{bad}.yaml", content)
            bad += 1
    loaded = made.load()
    assert list(loaded.alerts) == ["good"]
    assert loaded.bad_files == {f"bad/file_{number}.yaml" for number in range(BAD_FILES)}
    for problem in loaded.errors:
        text = (made.folder / problem.path).read_bytes().decode("utf-8", "replace")
        lines = text.removeprefix("\ufeff").split("\n")
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.what and "Traceback" not in problem.what and "object at 0x" not in problem.what
    assert Counter(problem.path for problem in loaded.errors).most_common(1)[0][1] < 40


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
