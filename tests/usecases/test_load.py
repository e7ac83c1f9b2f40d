"""What loading does to the data there is, mode by mode."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.loading import Busy, Unreadable
from tests.conftest import Database
from tests.landing import Landing, Silent, declare

DAILY = declare("sales", "{day}.csv", "id bigint, amount numeric, note text")
REPORT = declare(
    "costs", "{period}/{delivery}/*.csv", "id text, cost numeric", mode="replace_period", period="period",
    delivery="delivery",
)  # fmt: skip
LIST = declare("customers", "{taken}/customers.csv", "id bigint, name text", mode="snapshot", delivery="taken")


@pytest.fixture
def landing(tmp_path: Path, database: Database) -> Landing:
    return Landing(tmp_path / "a home", database.owner_url)


# ---- append ---------------------------------------------------------------------------------------------------------


def test_each_file_is_appended_once(landing: Landing) -> None:
    landing.put("sales/1.csv", "id,amount,note\n1,1.10,a\n2,,\n")
    first = landing.load(DAILY)
    landing.put("sales/2.csv", "id,amount,note\n3,3,c\n")
    second, third = landing.load(DAILY), landing.load(DAILY)
    assert [(each.files, each.rows, each.outcome) for each in (first, second, third)] == [
        (1, 2, "loaded"), (1, 1, "loaded"), (0, 0, "nothing new"),
    ]  # fmt: skip
    rows = landing.rows("select id, amount::text, note, _file from raw.sales order by id")
    assert rows == [(1, "1.10", "a", "1.csv"), (2, None, None, "1.csv"), (3, "3", "c", "2.csv")]


def test_every_row_knows_its_load(landing: Landing) -> None:
    landing.put("sales/1.csv", "id\n1\n")
    result = landing.load(DAILY)
    ((load_id, loaded_at, finished_at, rows, size, digest),) = landing.rows(
        "select s._load_id, s._loaded_at, l.finished_at, l.rows, l.bytes, l.content_hash from raw.sales s "
        "join alerting.loads l on l.load_id = s._load_id and l.status = 'loaded'"
    )
    assert load_id and loaded_at <= finished_at == result.fresh_at
    assert (rows, size, len(digest)) == (1, 5, 64)
    assert result.newest_delivery == "1.csv"


def test_a_file_that_changed_under_its_name_replaces_its_own_rows_and_says_so(landing: Landing) -> None:
    landing.put("sales/1.csv", "id\n1\n2\n")
    landing.put("sales/2.csv", "id\n3\n")
    landing.load(DAILY)
    landing.put("sales/1.csv", "id\n9\n")
    result = landing.load(DAILY)
    assert (result.rows, result.replaced) == (1, ["1.csv"])
    assert landing.rows("select id from raw.sales order by id") == [(3,), (9,)]
    assert landing.statuses("sales") == {"loaded": 2, "replaced": 1}


def test_content_that_changed_and_keeps_size_and_time_is_still_noticed(landing: Landing) -> None:
    path = landing.put("sales/1.csv", "id\n1\n")
    landing.load(DAILY)
    before = path.stat()
    path.write_text("id\n2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert landing.load(DAILY).replaced == ["1.csv"]


def test_a_touched_file_is_the_same_file(landing: Landing) -> None:
    path = landing.put("sales/1.csv", "id\n1\n")
    landing.load(DAILY)
    os.utime(path, (1, 1))
    assert landing.load(DAILY).outcome == "nothing new"


def test_content_that_goes_back_to_what_it_was_is_loaded_again(landing: Landing) -> None:
    for content in ("id\n1\n", "id\n2\n", "id\n1\n"):
        landing.put("sales/1.csv", content)
        assert landing.load(DAILY).rows == 1
    assert landing.rows("select id from raw.sales") == [(1,)]


# ---- replace_period and snapshot ------------------------------------------------------------------------------------


def test_a_delivery_replaces_its_period_and_no_other(landing: Landing) -> None:
    landing.put("costs/09/1/a.csv", "id,cost\nx,9\n")
    landing.put("costs/10/1/a.csv", "id,cost\na,1\nb,2\n")
    landing.load(REPORT)
    landing.put("costs/10/2/a.csv", "id,cost\nc,3\n")
    result = landing.load(REPORT)
    assert (result.files, result.rows) == (1, 1)
    rows = landing.rows("select _period, _delivery, id from raw.costs order by 1, 2, 3")
    assert rows == [("09", "1", "x"), ("10", "2", "c")]
    assert landing.statuses("costs") == {"loaded": 2, "replaced": 1}


def test_an_older_delivery_that_comes_later_is_recorded_as_superseded(landing: Landing) -> None:
    landing.put("costs/10/10/a.csv", "id,cost\nc,3\n")
    landing.load(REPORT)
    landing.put("costs/10/9/a.csv", "id,cost\na,1\n")
    result = landing.load(REPORT)
    assert (result.rows, result.superseded) == (0, ["10/9/a.csv"])
    assert result.outcome == "superseded: a newer delivery holds"
    assert landing.rows("select id from raw.costs") == [("c",)]
    assert landing.load(REPORT).outcome == "nothing new"
    assert landing.statuses("costs") == {"loaded": 1, "superseded": 1}


def test_all_files_of_a_delivery_are_loaded_as_one(landing: Landing) -> None:
    landing.put("costs/10/1/report-00001.csv", "id,cost\na,1\n")
    landing.put("costs/10/1/report-00002.csv", "cost,id,extra\n2,b,e\n")
    assert landing.load(REPORT).files == 2
    rows = landing.rows("select id, cost::int, extra, _file, _load_id from raw.costs order by id")
    assert [row[:4] for row in rows] == [
        ("a", 1, None, "10/1/report-00001.csv"),
        ("b", 2, "e", "10/1/report-00002.csv"),
    ]
    assert rows[0][4] != rows[1][4]
    landing.put("costs/10/1/report-00003.csv", "id,cost\nc,3\n")
    landing.load(REPORT)
    assert landing.rows("select count(*) from raw.costs") == [(3,)]


def test_a_delivery_waits_until_all_files_of_its_manifest_are_there(landing: Landing) -> None:
    manifest = json.dumps({"reportKeys": ["prefix/report/report-1.csv", "prefix/report/report-2.csv"]})
    landing.put("costs/10/1/report-Manifest.json", manifest)
    landing.put("costs/10/1/report-1.csv", "id,cost\na,1\n")
    early = landing.load(REPORT)
    assert early.waiting == {"10/1/report-1.csv": ("report-2.csv",)}
    assert landing.rows("select count(*) from raw.costs") == [(0,)]
    landing.put("costs/10/1/report-2.csv", "id,cost\nb,2\n")
    assert landing.load(REPORT).files == 2


def test_a_bad_file_refuses_its_whole_delivery_and_the_one_before_holds(landing: Landing) -> None:
    landing.put("costs/10/1/a.csv", "id,cost\nold,1\n")
    landing.put("costs/10/2/a.csv", "id,cost\nnew,1\n")
    landing.put("costs/10/2/b.csv", "id,cost\nnew,many\n")
    result = landing.load(REPORT)
    (problem,) = result.problems
    assert problem.error.startswith('10/2/b.csv:2: column "cost": "many" is not a value of type numeric')
    assert landing.rows("select id from raw.costs") == [("old",)]
    landing.put("costs/10/2/b.csv", "id,cost\nnew,2\n")
    assert landing.load(REPORT).files == 2
    assert landing.rows("select sum(cost) from raw.costs") == [(3,)]


def test_the_newest_snapshot_is_the_whole_table(landing: Landing) -> None:
    landing.put("customers/2026-01-02/customers.csv", "id,name\n2,Bob\n3,Cyd\n")
    landing.load(LIST)
    landing.put("customers/2026-01-01/customers.csv", "id,name\n1,Ada\n")
    landing.load(LIST)
    assert landing.rows("select id from raw.customers order by 1") == [(2,), (3,)]
    landing.put("customers/2026-01-03/customers.csv", "id,name\n4,Dee\n")
    landing.load(LIST)
    assert landing.rows("select id, _delivery from raw.customers") == [(4, "2026-01-03")]
    assert len(landing.rows("select 1 from pg_inherits where inhparent = 'raw.customers'::regclass")) == 1


def test_a_delivery_without_rows_empties_its_period_but_an_empty_file_does_not(landing: Landing) -> None:
    landing.put("costs/10/1/a.csv", "id,cost\na,1\n")
    landing.load(REPORT)
    landing.put("costs/10/2/a.csv", "")
    assert "lacks even a header" in landing.load(REPORT).problems[0].error
    assert landing.rows("select count(*) from raw.costs") == [(1,)]
    landing.put("costs/10/2/a.csv", "id,cost\n")
    assert landing.load(REPORT).problems == []
    assert landing.rows("select count(*) from raw.costs") == [(0,)]


def test_a_reader_in_a_transaction_delays_the_swap_and_breaks_nothing(landing: Landing) -> None:
    landing.put("costs/10/1/a.csv", "id,cost\na,1\n")
    landing.load(REPORT)
    landing.put("costs/10/2/a.csv", "id,cost\nb,2\n")
    with psycopg.connect(landing.url) as reader:
        before = reader.execute("select id from raw.costs").fetchall()
        loading = threading.Thread(target=landing.load, args=(REPORT,))
        loading.start()
        loading.join(0.5)
        assert loading.is_alive()
        assert reader.execute("select id from raw.costs").fetchall() == before == [("a",)]
        reader.commit()
        loading.join(10)
    assert landing.rows("select id from raw.costs") == [("b",)]


# ---- locations ------------------------------------------------------------------------------------------------------


def test_another_location_takes_the_place_of_the_root(landing: Landing, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    (elsewhere / "sales").mkdir(parents=True)
    (elsewhere / "sales" / "1.csv").write_text("id\n1\n")
    assert landing.load(DAILY, elsewhere).rows == 1
    assert landing.load(DAILY, elsewhere / "sales").outcome == "nothing new"
    assert landing.load(DAILY, elsewhere / "sales" / "1.csv").outcome == "nothing new"


def test_one_file_of_a_period_knows_its_delivery_by_its_path(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "10" / "2" / "a.csv"
    path.parent.mkdir(parents=True)
    path.write_text("id,cost\na,1\n")
    landing.load(REPORT, path)
    assert landing.rows("select _period, _delivery, _file from raw.costs") == [("10", "2", "10/2/a.csv")]


def test_a_location_that_is_not_there_is_a_bad_call(landing: Landing, tmp_path: Path) -> None:
    with pytest.raises(BadCall, match="does not exist"):
        landing.load(DAILY, tmp_path / "nowhere")


def test_a_file_whose_delivery_cannot_be_told_is_a_bad_call(landing: Landing, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(BadCall, match=r"does not end in \{period\}"):
        landing.load(REPORT, tmp_path / "a.txt")


# ---- several loaders ------------------------------------------------------------------------------------------------


def test_two_loaders_at_once_load_everything_once(landing: Landing) -> None:
    for number in range(12):
        landing.put(f"sales/{number}.csv", f"id\n{number}\n")
    landing.tables.ensure([DAILY])
    loaders = [threading.Thread(target=landing.load, args=(DAILY,)) for _ in range(4)]
    for each in loaders:
        each.start()
    for each in loaders:
        each.join()
    assert landing.rows("select count(*), count(distinct id) from raw.sales") == [(12, 12)]
    assert landing.statuses("sales") == {"loaded": 12}


def test_the_wait_for_another_loader_is_bounded(landing: Landing) -> None:
    landing.tables.ensure([DAILY])
    with (
        landing.tables.holding(DAILY, 1),
        pytest.raises(Busy, match="another load of sales"),
        landing.tables.holding(DAILY, 0.2),
    ):
        pass


def test_an_error_of_one_file_names_it() -> None:
    assert str(Unreadable("broken", line=3, remedy="mend it").within("a b.csv")) == "a b.csv:3: broken; mend it"


def test_progress_is_told_delivery_by_delivery(landing: Landing) -> None:
    told: list[tuple[str, str, int, int | None]] = []

    class Telling(Silent):
        def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
            told.append((step, item, done, total))

    from alerting_pipeline.usecases.load import load

    landing.put("sales/1.csv", "id\n1\n")
    landing.put("sales/2.csv", "id\nx\n")
    load(DAILY, landing.files, landing.tables, Telling())
    assert told == [("sales", "1.csv", 0, 2), ("sales", "2.csv", 1, 2), ("sales", "1 rows, 1 refused", 2, 2)]
