"""A loader that is killed in the middle leaves no half state, and the next one finishes its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PROJECT, Database
from tests.landing import Landing, declare

REPORT = declare(
    "costs", "{period}/{delivery}/*.csv", "id bigint, cost numeric", mode="replace_period", period="period",
    delivery="delivery",
)  # fmt: skip
DAILY = declare("sales", "{day}.csv", "id bigint, cost numeric")
LOADER = """
import sys
from pathlib import Path
from tests.faults.test_load_is_killed import DAILY, REPORT
from tests.landing import Landing
landing = Landing(Path(sys.argv[1]), sys.argv[2])
print("loading", flush=True)
landing.load({"costs": REPORT, "sales": DAILY}[sys.argv[3]])
"""


def _body(rows: int, cost: int) -> str:
    return "id,cost\n" + "".join(f"{number},{cost}\n" for number in range(rows))


@pytest.fixture
def landing(tmp_path: Path, database: Database) -> Landing:
    return Landing(tmp_path / "a home", database.owner_url)


def _killed(landing: Landing, source: str, after: float) -> None:
    loader = subprocess.Popen(
        [sys.executable, "-c", LOADER, str(landing.home), landing.url, source], cwd=PROJECT, stdout=subprocess.PIPE
    )
    assert loader.stdout is not None
    loader.stdout.readline()
    time.sleep(after)
    os.kill(loader.pid, signal.SIGKILL)
    loader.wait()
    loader.stdout.close()


@pytest.mark.faults
@pytest.mark.parametrize("after", [0.02, 0.1, 0.2, 0.3, 0.5])
def test_a_killed_load_leaves_the_old_data_or_the_new_and_nothing_between(landing: Landing, after: float) -> None:
    landing.put("costs/10/1/a.csv", _body(10, 1))
    landing.put("sales/1.csv", _body(10, 1))
    landing.load(REPORT)
    landing.load(DAILY)
    landing.put("costs/10/2/a.csv", _body(400_000, 2))
    landing.put("sales/1.csv", _body(400_000, 2))
    for source in ("costs", "sales"):
        _killed(landing, source, after)
        found = landing.rows(f"select count(*), min(cost)::int, max(cost)::int from raw.{source}")
        assert found in ([(10, 1, 1)], [(400_000, 2, 2)])
        landing.load({"costs": REPORT, "sales": DAILY}[source])
        assert landing.rows(f"select count(*), min(cost)::int from raw.{source}") == [(400_000, 2)]
        assert landing.statuses(source) == {"loaded": 1, "replaced": 1}
    leftovers = landing.rows(
        "select relname from pg_class where relname ~ '__load_' and relkind = 'r' and not relispartition"
    )
    assert leftovers == []


def test_what_a_dead_loader_left_is_removed_by_the_next(landing: Landing) -> None:
    landing.tables.ensure([REPORT])
    landing.run("create table raw.costs__load_99 (id bigint)")
    landing.run(
        "insert into ledger.loads (source, file, content_hash, mode, period, delivery, status) "
        "values ('costs', '10/1/a.csv', '', 'replace_period', '10', '1', 'loading')"
    )
    landing.put("costs/10/1/a.csv", _body(3, 1))
    assert landing.load(REPORT).rows == 3
    assert landing.rows("select to_regclass('raw.costs__load_99')") == [(None,)]
    assert landing.statuses("costs") == {"loaded": 1}
