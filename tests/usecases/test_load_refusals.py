"""A file that can't be taken is refused whole, in one sentence, and holds nothing else up."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.landing import Landing, declare

DAILY = declare("sales", "{day}.csv", "id bigint, amount numeric, note text")
REPORT = declare(
    "costs", "{period}/{delivery}/*.csv", "id text, cost numeric", mode="replace_period", period="period",
    delivery="delivery",
)  # fmt: skip


@pytest.fixture
def landing(tmp_path: Path, database: Database) -> Landing:
    return Landing(tmp_path / "a home", database.owner_url)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,amount\n1,1\n2,one\n", '1.csv:3: column "amount": "one" is not a value of type numeric'),
        ('id,note\n1,"a\nb"\nx,c\n', '1.csv:4: column "id": "x" is not a value of type bigint'),
        ("id,amount\n1,1,1\n", "1.csv:2: the line has more fields than the header: 1,1,1"),
        ("id,amount\n1\n", "1.csv:2: the line has fewer fields than the header"),
        ('id,note\n1,"a\n', '1.csv: a quote is opened and never closed, in the record that begins: 1,"a'),
        (b"id,note\n1,\xf6\n", '1.csv:2: invalid byte sequence for the encoding "UTF8"'),
        (b"id,note\n1,a\0b\n", "1.csv:2: invalid byte sequence"),
        (b"id,n\xf6te\n1,a\n", "1.csv:1: the header is not utf-8"),
        ("id,note\n1,a\r\n2,b\n", "the file mixes kinds of line ends"),
        ("id,Note,note\n", '1.csv:1: the columns "Note" and "note" would both be note'),
        ("id,_file\n", '1.csv:1: the column "_file" would be _file, which we write ourselves'),
        ("x;y\n1;2\n", "1.csv:1: none of its columns is declared for sales: x;y"),
        ("", "1.csv: the file is empty: it lacks even a header"),
        ("\ufeff", "1.csv: the file is empty"),
        ("id".encode("utf-16"), "1.csv: the file is UTF-16"),
        ("id,amount\n99999999999999999999,1\n", "out of range"),
    ],
)
def test_a_bad_file_is_one_sentence_with_its_place(landing: Landing, content: bytes | str, said: str) -> None:
    landing.put("sales/1.csv", content)
    landing.put("sales/2.csv", "id\n2\n")
    result = landing.load(DAILY)
    (problem,) = result.problems
    assert said in problem.error
    assert "\n" not in problem.error
    assert landing.rows("select id from raw.sales") == [(2,)], "the good file is loaded all the same"
    ((error,),) = landing.rows("select error from alerting.loads where status = 'failed'")
    assert error == problem.error


def test_all_bad_lines_are_named_not_only_the_first(landing: Landing) -> None:
    landing.put("sales/1.csv", "id,amount,note\n1,one,a\n2,2,b\n3,three,c\n4,4,d,e\n5\n")
    (problem,) = landing.load(DAILY).problems
    assert problem.error.startswith("1.csv:2:")
    assert [each.split(":")[0] for each in problem.others] == ["line 4, column amount", "line 5", "line 6"]


def test_a_file_that_breaks_off_is_refused_and_loaded_when_it_is_whole(landing: Landing) -> None:
    packed = gzip.compress(b"id,note\n" + b"".join(b"%d,n%d\n" % (n, n * 7919) for n in range(20_000)))
    source = declare("sales", "{day}.csv.gz", "id bigint, note text")
    landing.put("sales/1.csv.gz", packed[: len(packed) // 2])
    landing.put("sales/2.csv.gz", gzip.compress(b"id,note\n7,x\n"))
    result = landing.load(source)
    assert "breaks off before its end" in result.problems[0].error
    assert landing.rows("select id from raw.sales") == [(7,)]
    landing.put("sales/1.csv.gz", packed)
    assert landing.load(source).rows == 20_000


def test_refused_again_it_is_one_row_of_the_ledger_and_wakes_no_sensor(landing: Landing) -> None:
    landing.put("sales/1.csv", "id\nx\n")
    assert landing.arrivals(DAILY) == ["1.csv"]
    landing.load(DAILY)
    landing.load(DAILY)
    assert landing.statuses("sales") == {"failed": 1}
    assert landing.arrivals(DAILY) == []
    landing.put("sales/1.csv", "id\n1\n")
    assert landing.arrivals(DAILY) == ["1.csv"]
    landing.load(DAILY)
    assert landing.arrivals(DAILY) == []


def test_unfinished_and_hidden_files_are_left_alone(landing: Landing) -> None:
    for name in ("1.csv.part", ".2.csv", "3.csv.tmp", "~$4.csv", ".hidden/5.csv", "readme.txt"):
        landing.put(f"sales/{name}", "id\n1\n")
    assert landing.load(DAILY).outcome == "nothing has arrived"


def test_a_file_that_may_not_be_read_is_one_sentence(landing: Landing) -> None:
    (landing.home / "landing" / "sales").mkdir(parents=True)
    (landing.home / "landing" / "sales" / "1.csv").symlink_to(landing.home / "nowhere.csv")
    landing.put("sales/2.csv", "id\n2\n")
    assert landing.load(DAILY).rows == 1


def test_a_preview_loads_nothing(landing: Landing) -> None:
    for day in ("1", "2"):
        landing.put(f"costs/10/{day}/a.csv", "id,cost\na,1\n")
    landing.tables.ensure([REPORT])
    result = landing.preview(REPORT)
    assert (result.pending, result.superseded, result.outcome) == (["10/2/a.csv"], ["10/1/a.csv"], "would load")
    assert landing.rows("select count(*) from ledger.loads") == [(0,)]
