"""The attacks on the sandbox of alert SQL, by name.

`condition` is how an author would write it into a definition, `statement` how it would reach the database if nothing
stood in front. `is_bare`: it is also tried on a plain connection of the reader, where only the role stands; left out
where the session is what stops it (time, LISTEN and NOTIFY, a role's own defaults).
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Attack:
    name: str
    statement: str
    condition: str | None = None
    is_bare: bool = True
    is_harmless: bool = False
    """It may get an answer, as long as nothing is changed and no secret is in it."""
    longest: float | None = None
    """Seconds that it may take on the role alone, where that is more than the session's limit. A stated exception."""


def call(name: str, expression: str, *, is_bare: bool = True, is_harmless: bool = False) -> Attack:
    return Attack(name, f"select {expression}", f"({expression}) is not null", is_bare, is_harmless)


def read(name: str, query: str, *, is_harmless: bool = False) -> Attack:
    return Attack(name, query, f"exists ({query})", True, is_harmless)


def act(name: str, statement: str, *, is_bare: bool = True, is_harmless: bool = False) -> Attack:
    return Attack(name, statement, None, is_bare, is_harmless)


SESSION = [
    call("sleep", "pg_sleep(30)"),
    call("sleep for an interval", "pg_sleep_for('30 seconds')"),
    call("sleep until an instant", "pg_sleep_until(now() + interval '30 seconds')"),
    call("sleep under another spelling", 'pg_catalog."pg_sleep"(30)'),
    call("sleep with a named argument", "pg_sleep_for(make_interval(secs => 30))"),
    call("switch the timeout off", "set_config('statement_timeout', '0', false)"),
    call("switch read only off", "set_config('transaction_read_only', 'off', true)"),
    call("become the owner by set_config", "set_config('role', 'alerting_owner', false)"),
    call("become anybody by set_config", "set_config('session_authorization', 'postgres', false)"),
    call("move the search path", "set_config('search_path', 'private', false)"),
    call("raise the disk limit", "set_config('temp_file_limit', '-1', false)"),
    call("terminate another session", "pg_terminate_backend(<VICTIM>)"),
    call("cancel another session", "pg_cancel_backend(<VICTIM>)"),
    call("terminate all sessions", "(select count(pg_terminate_backend(pid)) from pg_stat_activity)"),
    call("terminate itself", "pg_terminate_backend(pg_backend_pid())"),
    call("dump another session's memory", "pg_log_backend_memory_contexts(<VICTIM>)"),
    call("notify", "pg_notify('channel', 'hello')"),
    call("export the snapshot", "pg_export_snapshot()"),
    call("take a transaction id", "pg_current_xact_id()"),
    call("take a transaction id the old way", "txid_current()"),
    call("hold an advisory lock", "pg_advisory_lock(1)"),
    call("hold an advisory lock of the migration", "pg_advisory_lock(418430710388)"),
    call("hold an advisory lock in the transaction", "pg_advisory_xact_lock(1)"),
    call("try for an advisory lock", "pg_try_advisory_lock(1, 2)"),
    call("share an advisory lock", "pg_advisory_lock_shared(1)"),
    call("let go of other locks", "pg_advisory_unlock_all()"),
]

SERVER = [
    call("reload the configuration", "pg_reload_conf()"),
    call("rotate the log", "pg_rotate_logfile()"),
    call("write into the log of changes", "pg_logical_emit_message(true, 'a', 'b')"),
    call("switch the log of changes", "pg_switch_wal()"),
    call("make a restore point", "pg_create_restore_point('x')"),
    call("make a replication slot", "pg_create_physical_replication_slot('x')"),
    call("make a replication origin", "pg_replication_origin_create('x')"),
    call("promote the server", "pg_promote()"),
    call("start a backup", "pg_backup_start('x')"),
    call("reset the statistics", "pg_stat_reset()"),
    call("falsify the statistics", "pg_clear_relation_stats('marts', 'transactions')"),
    call("import collations", "pg_import_system_collations('marts')"),
    call("take a number of a sequence", "nextval('operations.numbers')"),
    call("set a sequence", "setval('operations.numbers', 999)"),
    call("read a sequence", "(select last_value from operations.numbers)"),
]

FILES = [
    call("read a file", "pg_read_file('<READABLE>')"),
    call("read a file of the server", "pg_read_file('postgresql.conf')"),
    call("read a file as bytes", "convert_from(pg_read_binary_file('<READABLE>'), 'UTF8')"),
    call("list a folder", "(select count(*) from pg_ls_dir('/'))"),
    call("list the logs", "(select count(*) from pg_ls_logdir())"),
    call("list temporary files", "(select count(*) from pg_ls_tmpdir())"),
    call("ask for a file", "(select size from pg_stat_file('<READABLE>'))"),
    call("name the log", "pg_current_logfile()"),
    call("read the rules of access", "(select count(*) from pg_hba_file_rules())"),
    call("read the files of settings", "(select count(*) from pg_show_all_file_settings())"),
    call("import a large object", "lo_import('<READABLE>')"),
    call("export a large object", "lo_export(<OBJECT>, '<TARGET>')"),
    call("create a large object", "lo_create(0)"),
    call("create a large object the old way", "lo_creat(-1)"),
    call("fill a large object", "lo_from_bytea(0, 'x')"),
    call("write to a large object", "lo_put(<OBJECT>, 0, 'x')"),
    call("read a large object", "convert_from(lo_get(<OBJECT>), 'UTF8')"),
    call("open a large object", "loread(lo_open(<OBJECT>, 262144), 100)"),
    call("remove a large object", "lo_unlink(<OBJECT>)"),
    read("read large objects as a table", "select convert_from(data, 'UTF8') from pg_largeobject"),
    act("copy to a file", "copy marts.transactions to '<TARGET>'"),
    act("copy a query to a file", "copy (select 1) to '<TARGET>'"),
    act("copy to a program", "copy (select 1) to program 'touch <TARGET>'"),
    act("copy from a program", "copy marts.transactions from program 'touch <TARGET>'"),
    act("copy from a file", "copy marts.transactions from '<READABLE>'"),
    act("copy from the client", "copy marts.transactions from stdin"),
    act("load a library", "load '$libdir/dblink'"),
]

READS = [
    read("read raw", "select secret from raw.secrets"),
    read("read staging", "select secret from staging.secrets"),
    read("read intermediate", "select secret from intermediate.secrets"),
    read("read a mart that is not granted", "select secret from marts.not_granted"),
    read("read the ledger", "select value from ledger.parameter_values"),
    read("read a view over the ledger", "select secret from alerting.vault"),
    read("read what people did", "select before from alerting.audit_log"),
    read("read the operations tables", "select secret from operations.vault"),
    read("read another schema", "select secret from private.secrets"),
    read("read by table", "table raw.secrets"),
    read("read through a common table expression", "with s as (select * from raw.secrets) select secret from s"),
    read("read through a union", "select status from marts.transactions union select secret from raw.secrets"),
    read("read sideways", "select s.secret from marts.transactions t cross join lateral (select * from raw.secrets) s"),
    read("read a whole row", "select (raw.secrets.*)::text from raw.secrets"),
    read("read as JSON", "select to_jsonb(s)::text from raw.secrets s"),
    read("read by quoted names", 'select "secret" from "raw"."secrets"'),
    read("read by unicode escapes", 'select secret from U&"\\0072aw".U&"s\\0065crets"'),
    read("read with the database's name", "select secret from <DATABASE>.raw.secrets"),
    read("read in a filter", "select 1 from marts.transactions where status < (select secret from raw.secrets)"),
    read("read a sample", "select secret from raw.secrets tablesample system (100)"),
    call("call the owner's function", "private.reveal()"),
    call("call a function that runs as the owner", "marts.reveal()"),
    call("append to the audit log", "ledger.append_audit('a', 'b', 'c', null, null)"),
    call("run SQL as XML", "query_to_xml('select secret from raw.secrets', true, false, '')"),
    call(
        "run SQL as XML with a schema", "query_to_xml_and_xmlschema('select secret from raw.secrets', true, false, '')"
    ),
    call("a table as XML", "table_to_xml('raw.secrets', true, false, '')"),
    call("a schema as XML", "schema_to_xml('raw', true, false, '')"),
    call("the database as XML", "database_to_xml(true, false, '')"),
    call("a cursor as XML", "cursor_to_xml('c', 1, true, false, '')"),
    call("run SQL as text statistics", "(select count(*) from ts_stat('select to_tsvector(secret) from raw.secrets'))"),
    call("run SQL as text rewriting", "ts_rewrite('a'::tsquery, 'select a, b from raw.secrets')"),
    call("another server", "dblink('dbname=postgres', 'select 1')"),
]

SNOOPING = [
    read("passwords", "select rolpassword from pg_authid"),
    read("passwords as shadow", "select passwd from pg_shadow"),
    read("roles and their settings", "select rolconfig::text from pg_roles"),
    read("settings of roles", "select setconfig::text from pg_db_role_setting"),
    read("settings of users", "select useconfig::text from pg_user"),
    read("queries of others", "select query || application_name from pg_stat_activity"),
    read("queries of others by function", "select query || application_name from pg_stat_get_activity(null)"),
    call("a query of another", "pg_stat_get_backend_activity(1)"),
    read("locks of others", "select pid::text from pg_locks"),
    read("settings", "select name || setting from pg_settings"),
    read("settings by function", "select name || setting from pg_show_all_settings()"),
    call("a setting", "current_setting('data_directory')"),
    call("a secret setting", "current_setting('custom.secret', true)"),
    read("source of functions", "select prosrc from pg_proc"),
    call("definition of a function", "pg_get_functiondef('private.reveal'::regproc)"),
    read("statistics of columns", "select stavalues1::text from pg_statistic"),
    read("connections of subscriptions", "select subconninfo from pg_subscription"),
    read("options of foreign users", "select umoptions::text from pg_user_mappings"),
    read("memory of the server", "select name from pg_shmem_allocations"),
    read("the address of the server", "select inet_server_addr()"),
    read("the statistics of what may not be read", "select most_common_vals::text from pg_stats", is_harmless=True),
    read("bodies of functions", "select routine_definition from information_schema.routines", is_harmless=True),
    call("whether a relation is there", "to_regclass('raw.secrets')", is_harmless=True),
    call("whether a relation is there by a cast", "'raw.secrets'::regclass", is_harmless=True),
    call("whether a role is there", "'alerting_owner'::regrole", is_harmless=True),
    call("what it may read", "has_table_privilege('raw.secrets', 'select')", is_harmless=True),
    read("names in the catalog", "select relname from pg_catalog.pg_class", is_harmless=True),
    call("a value in the error of a cast to a relation", "(select max(card)::regclass from marts.transactions)"),
    call("a value in the error of a cast to an address", "(select max(card)::inet from marts.transactions)"),
    call("a value in the error of JSON", "(select max(card)::jsonb from marts.transactions)"),
    call("a value in the error of a number", "(select max(card)::int from marts.transactions)"),
]

WRITES = [
    act("insert", "insert into marts.transactions (transaction_id) values (-1)"),
    act("update", "update marts.transactions set amount = 0"),
    act("delete", "delete from marts.transactions"),
    act("merge", "merge into marts.transactions t using (select 1) s on false when not matched then insert values (1)"),
    act("truncate", "truncate marts.transactions"),
    read(
        "insert in a common table expression",
        "with w as (insert into operations.vault values (2, 'x') returning id) select id from w",
    ),
    read(
        "delete in a common table expression",
        "with w as (delete from marts.transactions returning 1) select * from w",
    ),
    read(
        "update in a common table expression",
        "with w as (update ledger.parameter_values set value = '0' returning 1) select * from w",
    ),
    read("lock rows", "select 1 from marts.transactions for update"),
    act("lock a table", "begin; lock table marts.transactions in access exclusive mode"),
    act("select into", "select 1 as n into marts.stolen"),
    act("create a table", "create table marts.stolen as select 1 as n"),
    act("create a table in public", "create table public.stolen (n int)"),
    act("create a temporary table", "create temporary table stolen (n int)"),
    act("create a view over the ledger", "create view marts.stolen as select * from ledger.vault"),
    act("create a function", "create function marts.stolen() returns int language sql as 'select 1'"),
    act("shadow a function", "create function public.abs(numeric) returns numeric language sql as 'select 1::numeric'"),
    act(
        "shadow a function temporarily",
        "create function pg_temp.abs(numeric) returns numeric language sql as 'select 1.0'",
    ),
    act("create an operator", "create operator marts.=== (leftarg = int, rightarg = int, function = int4eq)"),
    act("create a cast", "create cast (text as int) with inout as implicit"),
    act("create a schema", "create schema stolen"),
    act("create a type", "create type marts.stolen as (n int)"),
    act("create a domain", "create domain marts.stolen as int"),
    act("create an aggregate", "create aggregate marts.stolen(int) (sfunc = int4pl, stype = int)"),
    act(
        "create a trigger",
        "create trigger t after insert on marts.transactions execute function suppress_redundant_updates_trigger()",
    ),
    act("create a policy", "create policy p on marts.transactions"),
    act("create a rule", "create rule r as on select to marts.transactions do instead select 1"),
    act("create an extension", "create extension vector"),
    act("create a foreign data wrapper", "create foreign data wrapper w"),
    act("create a publication", "create publication p"),
    act("create a database", "create database stolen"),
    act("create a tablespace", "create tablespace t location '<TARGET>'"),
    act("create an event trigger", "create event trigger e on ddl_command_end execute function f()"),
    act("create a role", "create role stolen superuser"),
    act("drop a table", "drop table marts.transactions"),
    act("drop everything of the owner", "drop owned by alerting_owner"),
    act("alter a table", "alter table marts.transactions add column n int"),
    act("refresh a view", "refresh materialized view marts.transactions"),
    act("vacuum", "vacuum marts.transactions", is_harmless=True),
    act("reindex", "reindex table marts.transactions"),
    act("checkpoint", "checkpoint"),
    act("comment", "comment on table marts.transactions is 'mine'"),
    act("explain and do", "explain analyze insert into marts.transactions (transaction_id) values (-1)"),
    act("prepare and do", "prepare p as delete from marts.transactions; execute p"),
    act("a block of code", "do $$ begin delete from marts.transactions; end $$"),
    act(
        "a block of code that does not let itself be stopped",
        "do $$ begin loop begin perform count(*) from generate_series(1, 100000000); "
        "exception when query_canceled then null; end; end loop; end $$",
    ),
    act("call a procedure of the owner", "call marts.purge()"),
]

ROLES = [
    act("become the owner", "set role alerting_owner; select secret from raw.secrets"),
    act("become the owner for a moment", "begin; set local role alerting_owner; select secret from raw.secrets"),
    act("become the app", "set role alerting_app; select secret from ledger.vault"),
    act("become the administrator", "set session authorization postgres; select secret from raw.secrets"),
    act("join the owner", "grant alerting_owner to alert_reader"),
    act("grant itself a table", "grant select on raw.secrets to alert_reader; select secret from raw.secrets"),
    act("become superuser", "alter role alert_reader superuser"),
    act("lift its own disk limit", "alter role alert_reader set temp_file_limit = -1"),
    act("change its own defaults", "alter role alert_reader set statement_timeout = 0", is_bare=False),
    act("change its own password", "alter role alert_reader password 'mine'", is_bare=False),
    act("change its default privileges", "alter default privileges grant select on tables to public", is_bare=False),
    act("change the defaults of others", "alter role alerting_app set search_path = private"),
    act("change the database", "alter database postgres set work_mem = '1GB'"),
    act("change the server", "alter system set log_statement = 'all'"),
    act("take over objects", "reassign owned by alerting_owner to alert_reader"),
]

TRANSACTIONS = [
    act("commit and write", "commit; insert into marts.transactions (transaction_id) values (-1)"),
    act("roll back and write", "rollback; delete from marts.transactions"),
    act("begin anew and write", "end; begin read write; delete from marts.transactions"),
    act("make the transaction writable", "set transaction read write; delete from marts.transactions"),
    act(
        "make the session writable",
        "set session characteristics as transaction read write; delete from marts.transactions",
    ),
    act("two statements", "select 1; insert into marts.transactions (transaction_id) values (-1)"),
    act("a statement behind a comment", "select 1 /* ; */ ; delete from marts.transactions --"),
    act("a statement behind a line comment", "select 1 -- harmless\n; delete from marts.transactions"),
    act("a statement behind nested comments", "select 1 /* /* */ ; */; delete from marts.transactions"),
    act("a statement behind dollar quotes", "select $a$;$a$; delete from marts.transactions"),
    act("a statement behind an escape", "select E'\\''; delete from marts.transactions --'"),
    act(
        "out of the copy into another statement",
        "select 1) to stdout; delete from marts.transactions; copy (select 1",
    ),
    act("out of the copy into a program", "select 1) to program 'touch <TARGET>' --"),
    act("out of the copy into a file", "select 1) to '<TARGET>' with (format text"),
    act("out of the copy by a NUL", "select 1) to program 'touch <TARGET>'\0"),
    act("a cursor that stays", "declare c cursor with hold for select 1; fetch c; begin; lock table raw.secrets"),
    act("listen", "listen channel", is_bare=False, is_harmless=True),
    act("notify by command", "notify channel, 'hello'", is_bare=False, is_harmless=True),
    act(
        "switch the timeout off and wait",
        "set statement_timeout = 0; select count(*) from generate_series(1, 1e12)",
        is_bare=False,
    ),
    act("forget all settings and wait", "discard all; select count(*) from generate_series(1, 1e12)", is_bare=False),
]

BOMBS = [
    read("count for ever", "select count(*) from generate_series(1, 1000000000000) n"),
    read(
        "multiply marts",
        "select count(*) from marts.transactions a, marts.transactions b, marts.transactions c, marts.transactions d, "
        "marts.transactions e where a.amount + b.amount + c.amount + d.amount + e.amount > 0",
    ),
    read("multiply", "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b"),
    read(
        "recurse for ever",
        "with recursive n as (select 1 as x union all select x + 1 from n) select count(*) from n where x < 0",
    ),
    read("sort more than the disk may hold", "select n from generate_series(1, 5000000) n order by md5(n::text)"),
    read("a flood of rows", "select md5(n::text) from generate_series(1, 100000000) n"),
    read("a flood from the target list", "select md5(generate_series(1, 100000000)::text)"),
    call("backtrack for ever", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' ~ '^((a?){25}){25}(a{25}){25}b\\1$'"),
    # Postgres looks for a cancellation while it matches a pattern, not while it compiles one: this one was measured at
    # 1.7 s under a timeout of 0.5 s. The allow-list refuses patterns altogether; the role alone can only bound it.
    replace(
        call("compile a pattern for long", f"'{'a' * 46}' ~ '^((a?){{40}}){{40}}(a{{40}}){{40}}b\\1$'"), longest=6.0
    ),
    call("a gigabyte of letters", "length(repeat('x', 1000000000))"),
    call("a gigabyte of padding", "length(lpad('x', 1000000000, 'y'))"),
    call("a large array", "cardinality(array_fill(0, array[100000000]))"),
    call("a large power", "length((99999::numeric ^ 30000)::text)", is_harmless=True),
    call("a large factorial", "length(factorial(200000)::text)"),
    call("nesting", "(" * 5_000 + "1" + ")" * 5_000, is_harmless=True),
    call("a random row", "random() > 0.5", is_harmless=True),
    call("a clock", "clock_timestamp()", is_harmless=True),
]

GROUPS = {
    "session": SESSION,
    "server": SERVER,
    "files": FILES,
    "reads": READS,
    "snooping": SNOOPING,
    "writes": WRITES,
    "roles": ROLES,
    "transactions": TRANSACTIONS,
    "bombs": BOMBS,
}
ATTACKS = [attack for group in GROUPS.values() for attack in group]
