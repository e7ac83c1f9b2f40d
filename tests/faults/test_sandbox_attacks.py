"""The sandbox of alert SQL, attacked: each attack at each fence alone, judged by what it did and what it was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.adapters import sandbox_session
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.condition import BadSql, parse
from alerting_pipeline.domain.query import parse_query
from alerting_pipeline.store.hardening import findings, harden, script
from tests.faults.sandbox_attacks import ATTACKS, Attack
from tests.faults.sandbox_world import (
    CANARY,
    LONGEST_WAIT,
    Outcome,
    World,
    by_bare_connection,
    by_rows,
    by_stream,
    make_world,
    observe,
)

# Roles belong to the whole server: two of these tests at once would see each other's, so a file has one worker.
pytestmark = pytest.mark.faults

COLUMNS = {"transaction_id": "bigint", "amount": "numeric", "status": "text", "card": "text"}
CATALOG = Catalog({"transactions": Model("transactions", "model.transactions", "marts.transactions", COLUMNS)})
REF = "{{ ref('transactions') }}"
BARE = [attack for attack in ATTACKS if attack.is_bare]


def _names(attacks: list[Attack]) -> list[str]:
    return [attack.name for attack in attacks]


@pytest.fixture(scope="module")
def world(postgres, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with make_world(postgres, template_database, tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def own_world(postgres, template_database: str, tmp_path: Path) -> Iterator[World]:
    """For controls and mutations, which change it."""
    with make_world(postgres, template_database, tmp_path / "world") as made:
        yield made


def test_there_are_enough_attacks_and_each_has_its_own_name() -> None:
    assert len(ATTACKS) >= 80
    assert len(set(_names(ATTACKS))) == len(ATTACKS)


# ---- the first fence: the allow-list over the tree ------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS, ids=_names(ATTACKS))
def test_the_allow_list_refuses(attack: Attack) -> None:
    if attack.condition is None:
        conditions = [attack.statement, f"amount > 1; {attack.statement}", f"amount > ({attack.statement})"]
        queries = [attack.statement, f"select amount from {REF}; {attack.statement}"]
    else:
        conditions = [attack.condition, f"amount > 1 or {attack.condition}"]
        queries = [attack.statement, f"select amount from {REF} where {attack.condition}"]
    for condition in conditions:
        with pytest.raises(BadSql) as caught:
            parse(condition, columns=COLUMNS, parameters={"limit"})
        _assert_sentences(caught.value, condition)
    for query in queries:
        with pytest.raises(BadSql) as caught:
            parse_query(query, CATALOG)
        _assert_sentences(caught.value, query)


HONEST_LOOKING = {
    "a relation by its own name": f"select t.status from {REF} t, raw.secrets s",
    "a relation in a subquery": f"select status from {REF} where status in (select secret from raw.secrets)",
    "a relation in a WITH": f"with s as (select secret from raw.secrets) select s.secret from {REF} t, s",
    "a relation behind the name of a WITH": f"with s as (select status from {REF}) select s from raw.s",
    "the catalog under the name of a WITH": (
        f"with pg_stats as (select p.avg_width as n from {REF} t, pg_stats p) select n from pg_stats"
    ),
    "the catalog outside a WITH": (
        f"select s.n as n from (with pg_class as (select 1 as n from {REF}) select n from pg_class) s, pg_class"
    ),
    "the mark of a ref, typed by hand": f'select t.status from {REF} t, "ref:secrets" s',
    "a ref in a text": """select secret from raw.secrets where '{{ ref("transactions") }}' = ''""",
    "a ref to no mart": "select n from {{ ref('secrets') }}",
    "a function in from": f"select g as n from {REF} t, generate_series(1, 1000000000) g",
    "values in from": f"select v.n as n from {REF} t, (values (1)) v (n)",
    "a union": f"select status from {REF} union all select secret from raw.secrets",
    "a recursion": f"with recursive n as (select 1 as x from {REF} union all select x + 1 from n) select x from n",
    "a lock": f"select status from {REF} for update",
    "into": f"select status into marts.stolen from {REF}",
    "a sample": f"select status from {REF} tablesample system (100)",
    "a system column": f"select ctid as place from {REF}",
    "a lateral function": f"select s.x as x from {REF} t cross join lateral pg_ls_dir('/') s (x)",
    "a sleeping column": f"select pg_sleep(10)::text as x from {REF}",
    "a sleeping order": f"select status from {REF} order by pg_sleep(10)",
    "a sleeping group": f"select max(status) as x from {REF} group by pg_sleep(10)",
    "a sleeping window": f"select count(*) over (order by pg_sleep(10)) as n from {REF}",
    "a sleeping join": f"select a.status from {REF} a join {REF} b on pg_sleep(10) is null",
    "a sleeping filter": f"select count(*) filter (where pg_sleep(10) is null) as n from {REF}",
    "template code": "select status from {{ ref('transactions') }} {% raw %}",
    "an environment variable": "select '{{ env_var(\"HOME\") }}' as x from {{ ref('transactions') }}",
}


@pytest.mark.parametrize("query", HONEST_LOOKING.values(), ids=HONEST_LOOKING)
def test_the_allow_list_refuses_a_query_that_looks_honest(query: str) -> None:
    with pytest.raises(BadSql) as caught:
        parse_query(query, CATALOG)
    _assert_sentences(caught.value, query)


def test_a_product_of_marts_passes_the_list_and_is_stopped_by_the_session(world: World) -> None:
    many = ", ".join(f"{REF} t{number}" for number in range(6))
    query = parse_query(f"select count(*) as n from {many} where t0.amount < t1.amount - 1", CATALOG)
    outcome = _patiently(world, query.sql(relation=lambda model: f"marts.{model}", as_of="null"), by_stream)
    _assert_nothing_happened(outcome)
    assert outcome.sqlstate == "57014"


def test_the_allow_list_lets_honest_sql_pass() -> None:
    assert parse("amount > :limit and status = 'pending'", columns=COLUMNS, parameters={"limit"})
    assert parse_query(f"select status, sum(amount) as total from {REF} group by status", CATALOG)


def _assert_sentences(error: BadSql, text: str) -> None:
    for problem in error.problems:
        assert problem.what
        assert problem.remedy
        assert 0 <= problem.offset <= len(text)


# ---- the second fence: the role, the session and the watchdog -------------------------------------------------------


@pytest.mark.parametrize("way", [by_stream, by_rows], ids=["stream", "rows"])
@pytest.mark.parametrize("attack", ATTACKS, ids=_names(ATTACKS))
def test_the_reader_gets_nowhere(world: World, attack: Attack, way: Callable[[World, str], str]) -> None:
    longest = attack.longest or LONGEST_WAIT
    outcome = _patiently(world, attack.statement, way, longest)
    _assert_nothing_happened(outcome, longest)
    assert outcome.is_refused or attack.is_harmless, outcome.output[:200]


@pytest.mark.parametrize("attack", BARE, ids=_names(BARE))
def test_the_role_alone_gets_nowhere(world: World, attack: Attack) -> None:
    outcome = observe(world, attack.statement.replace("\0", ""), by_bare_connection)
    assert outcome.changed == []
    assert CANARY not in outcome.output
    assert outcome.is_refused or attack.is_harmless, outcome.output[:200]


def _patiently(world: World, text: str, way: Callable[[World, str], str], longest: float = LONGEST_WAIT) -> Outcome:
    """On a busy machine anything may be slow once; an attack that defeats the timeout is slow every time."""
    for _ in range(2):
        outcome = observe(world, text, way)
        if outcome.seconds < longest or outcome.changed or CANARY in outcome.output + outcome.error:
            return outcome
    return observe(world, text, way)


def _assert_nothing_happened(outcome: Outcome, longest: float = LONGEST_WAIT) -> None:
    assert outcome.changed == []
    assert CANARY not in outcome.output
    assert CANARY not in outcome.error
    assert outcome.seconds < longest


# ---- controls: the observer sees the same deeds when they succeed ---------------------------------------------------

_DEEDS = {
    "rows": "insert into raw.secrets values (2, 'x')",
    "objects": "create function public.abs(numeric) returns numeric language sql as 'select 1::numeric'",
    "large objects": "select lo_from_bytea(0, 'x')",
    "roles": "alter role alert_reader in database {database} set work_mem = '5MB'",
    "sequence": "select nextval('operations.numbers')",
    "slots": "create publication p",
    "sessions": "select pg_terminate_backend(<VICTIM>)",
    "server": "select pg_reload_conf(), pg_sleep(0.3)",
    "files": "copy (select 1) to '<TARGET>'",
    "notifications": "select pg_notify('channel', 'hello')",
    "next session": "alter role alert_reader in database {database} set statement_timeout = '7s'",
}


@pytest.mark.parametrize("fact", _DEEDS)
def test_the_observer_notices_what_an_administrator_does(own_world: World, fact: str) -> None:
    deed = _DEEDS[fact].replace("{database}", own_world.database)
    outcome = observe(own_world, deed, lambda world, text: by_bare_connection(world, text, "postgres"))
    assert outcome.error == ""
    assert fact in outcome.changed


@pytest.mark.parametrize(
    "query",
    [
        "select secret from raw.secrets",
        "select pg_read_file('<READABLE>')",
        "select convert_from(lo_get(<OBJECT>), 'UTF8')",
        "select setconfig::text from pg_db_role_setting",
        "select query || application_name from pg_stat_activity",
        "select prosrc from pg_proc",
        "select stavalues1::text from pg_statistic",
    ],
)
def test_the_observer_notices_a_secret_that_an_administrator_reads(own_world: World, query: str) -> None:
    outcome = observe(own_world, query, lambda world, text: by_bare_connection(world, text, "postgres"))
    assert CANARY in outcome.output


def test_the_observer_notices_a_lock_that_stays(own_world: World) -> None:
    before = own_world.state()
    with psycopg.connect(own_world.url("alerting_app"), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(1)")
        assert own_world.state()["locks"] != before["locks"]


def test_the_observer_notices_a_wait(own_world: World) -> None:
    def sleep(world: World, text: str) -> str:
        with psycopg.connect(world.url("postgres")) as connection:
            return str(connection.execute(text.encode()).fetchone())

    assert observe(own_world, "select pg_sleep(1.6)", sleep).seconds > LONGEST_WAIT


def test_the_database_tells_the_value_that_our_sentence_leaves_out(own_world: World) -> None:
    text = "select max(card)::int from marts.transactions"
    assert CANARY in observe(own_world, text, by_bare_connection).error
    assert CANARY not in observe(own_world, text, by_rows).error


# ---- mutations: take one fence away, and its attack works -----------------------------------------------------------


def test_without_the_revoke_a_session_can_be_killed(own_world: World) -> None:
    own_world.observer.execute("grant execute on function pg_terminate_backend(int, bigint) to alert_reader")
    assert "sessions" in observe(own_world, "select pg_terminate_backend(<VICTIM>)", by_stream).changed


def test_without_the_revoke_a_notification_is_sent(own_world: World) -> None:
    own_world.observer.execute("grant execute on function pg_notify(text, text) to alert_reader")
    attack = "select pg_notify('channel', 'hello')"
    assert "notifications" in observe(own_world, attack, by_bare_connection).changed
    assert observe(own_world, attack, by_stream).changed == []  # the session never commits


def test_without_the_revoke_sql_runs_as_text(own_world: World) -> None:
    attack = "select word from ts_stat('select to_tsvector(status) from marts.transactions')"
    assert observe(own_world, attack, by_stream).is_refused
    own_world.observer.execute("grant execute on function ts_stat(text) to alert_reader")
    assert "pend" in observe(own_world, attack, by_stream).output


def test_without_the_revoke_a_large_object_is_made_unless_the_session_only_reads(own_world: World) -> None:
    own_world.observer.execute("grant execute on function lo_from_bytea(oid, bytea) to alert_reader")
    attack = "select lo_from_bytea(0, 'x')"
    assert observe(own_world, attack, by_stream).changed == []
    assert "large objects" in observe(own_world, attack, by_bare_connection).changed


def test_with_a_grant_to_write_only_the_session_stops_a_write(own_world: World) -> None:
    own_world.observer.execute("grant insert, delete on marts.transactions to alert_reader")
    attack = "insert into marts.transactions (transaction_id) values (-1) returning 1"
    for way in (by_stream, by_rows):
        outcome = observe(own_world, attack, way)
        assert (outcome.changed, outcome.sqlstate) == ([], "25006")
    assert "rows" in observe(own_world, attack, by_bare_connection).changed


def test_with_set_config_the_transaction_still_only_reads(own_world: World) -> None:
    own_world.observer.execute("grant insert on marts.transactions to alert_reader")
    own_world.observer.execute("grant execute on function set_config(text, text, bool) to alert_reader")
    outcome = observe(own_world, "select set_config('transaction_read_only', 'off', true)", by_stream)
    assert (outcome.sqlstate, outcome.changed) == ("25001", [])


def test_without_the_parse_a_second_statement_runs(own_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_world.observer.execute("grant delete on marts.transactions to alert_reader")
    attack = "select 1) to stdout; rollback; begin read write; delete from marts.transactions; commit; copy (select 1"
    assert observe(own_world, attack, by_stream).changed == []
    monkeypatch.setattr(sandbox_session.Session, "refuse_several", lambda *_: None)
    assert "rows" in observe(own_world, attack, by_stream).changed


def test_with_a_membership_set_role_leaves_the_sandbox(own_world: World) -> None:
    attack = "set role stolen_group; select secret from raw.secrets"
    own_world.observer.execute("create role stolen_group; grant usage on schema raw to stolen_group")
    try:
        own_world.observer.execute("grant select on raw.secrets to stolen_group; grant stolen_group to alert_reader")
        assert CANARY in observe(own_world, attack, by_bare_connection).output
        assert any("member of stolen_group" in finding for finding in findings(own_world.observer))
        assert harden(own_world.url("postgres")) == []
        assert CANARY not in observe(own_world, attack, by_bare_connection).output
    finally:
        own_world.observer.execute("drop owned by stolen_group; drop role stolen_group")


def test_without_the_disk_limit_a_sort_takes_what_there_is(own_world: World) -> None:
    attack = "select count(*) from (select n from generate_series(1, 400000) n order by md5(n::text) offset 0) s"
    assert observe(own_world, attack, by_stream).sqlstate == "53400"
    own_world.observer.execute(
        f"alter role alert_reader in database {own_world.database} set temp_file_limit = -1".encode()
    )
    assert observe(own_world, attack, by_stream).sqlstate != "53400"


def test_without_the_fence_around_the_database_temporary_tables_are_made(own_world: World) -> None:
    own_world.observer.execute(f"grant temporary on database {own_world.database} to alert_reader".encode())
    outcome = observe(own_world, "create temporary table stolen (n int); select 1", by_bare_connection)
    assert not outcome.is_refused


# ---- hardening itself ------------------------------------------------------------------------------------------------


def test_an_unhardened_database_says_so_and_is_closed_by_one_call(own_world: World) -> None:
    assert findings(own_world.observer) == []
    own_world.observer.execute(
        "grant execute on function pg_sleep(float8) to public; grant usage on language plpgsql to public"
    )
    found = findings(own_world.observer)
    assert any("pg_sleep" in finding for finding in found)
    assert any("DO blocks" in finding for finding in found)
    assert "revoke execute on function pg_sleep(double precision) from public" in script(own_world.observer)
    assert harden(own_world.url("postgres")) == []
    assert findings(own_world.observer) == []


def test_the_owner_can_ask_for_findings_but_not_close_them(own_world: World) -> None:
    own_world.observer.execute("grant execute on function pg_sleep(float8) to public")
    with psycopg.connect(own_world.url("alerting_owner"), autocommit=True) as connection:
        assert len(findings(connection)) == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        harden(own_world.url("alerting_owner"))


@pytest.mark.parametrize("role", ["alerting_owner", "alerting_app"])
def test_those_who_need_the_functions_keep_them(own_world: World, role: str) -> None:
    with psycopg.connect(own_world.url(role), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(7), pg_notify('other', 'x'), set_config('work_mem', '5MB', false)")
        connection.execute("do $$ begin perform 1; end $$")
        assert connection.execute("select count(*) from pg_settings").fetchone()


def test_the_reader_reads_marts_and_the_parameters_in_force(own_world: World) -> None:
    assert by_stream(own_world, "select count(*) from marts.transactions") == "100\n"
    assert by_stream(own_world, "select count(*) from alerting.parameters_in_force") == "0\n"
