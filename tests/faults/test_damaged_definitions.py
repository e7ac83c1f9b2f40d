"""Files damaged at random: each bad one gives an error with its place, none a traceback or harm to another."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.definition_folder import COMPLETE, DATA, MINIMAL, REPORT, DefinitionFolder
from tests.soak.promise import Measured, Promise, shows

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
PROMISE = Promise(
    "definition files",
    "a bad file never stops good ones, and says what is wrong where",
    "{count} definition files damaged at random",
    300,
    5_000,
)
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
            piece = chance.choice(PIECES)
            lines[at] = re.sub(r":.*", lambda _, piece=piece: f": {piece}", lines[at], count=1) + "\n"
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


@shows(PROMISE)
def test_damaged_files_give_an_error_each_with_its_place_and_harm_no_other(tmp_path: Path, measured: Measured) -> None:
    chance, wanted = random.Random(20260105), measured.count
    made = DefinitionFolder.make(tmp_path)
    made.write("fraud/good.yaml", MINIMAL.replace("large_transaction", "good"))
    (made.folder / "fraud/large_transaction.yaml").unlink()
    scratch = DefinitionFolder.make(tmp_path / "scratch", None)
    bad, tried = 0, 0
    while bad < wanted:
        content = damaged(chance).replace(b"large_transaction\n", f"bad_{bad}\n".encode(), 1)
        scratch.write("fraud/one.yaml", content)
        tried += 1
        assert tried < 3 * wanted
        if "fraud/one.yaml" in scratch.load().bad_files:
            made.write(f"bad/file_{bad}.yaml", content)
            bad += 1
    loaded = made.load()
    assert list(loaded.alerts) == ["good"]
    assert loaded.bad_files == {f"bad/file_{number}.yaml" for number in range(wanted)}
    for problem in loaded.errors:
        text = (made.folder / problem.path).read_bytes().decode("utf-8", "replace")
        lines = text.removeprefix("\ufeff").split("\n")
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.what and "Traceback" not in problem.what and "object at 0x" not in problem.what
    assert Counter(problem.path for problem in loaded.errors).most_common(1)[0][1] < 40
    measured.says(
        f"{wanted:,} bad files: {len(loaded.bad_files):,} with an error at its line and column, 0 tracebacks; "
        "the good one beside them is in force"
    )
