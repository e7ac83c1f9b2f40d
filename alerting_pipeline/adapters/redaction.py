"""Errors of the database as sentences that are safe to send: the SQLSTATE decides, the database's text is dropped.

Postgres prints values of rows in its errors ("invalid input syntax for type numeric: …"), and our sentences travel to
Slack and into the ledger. So only what the author wrote is repeated: the word at the error's position.
"""

from __future__ import annotations

import re

import psycopg

from alerting_pipeline.domain.warehouse_error import (
    QueryFailed,
    QueryStopped,
    RelationMissing,
    WarehouseError,
    WarehouseUnreachable,
)

_READS = "alert SQL reads the marts and the values of parameters, and calls harmless functions only"
_FAILED = {
    "22003": "a number is out of range; cast to numeric, or bound it in dbt",
    "22007": "a text is not a date or time; cast it in dbt, where a test can show the row",
    "22008": "a date or time is out of range; correct it in dbt",
    "2200F": "a text is empty where it must not be; use nullif in dbt",
    "22012": "a division by zero; divide by nullif(…, 0)",
    "22023": "an argument is out of its range; read the function's page in the Postgres manual",
    "22P02": "a text can't be read as the type asked for; cast it in dbt, where a test can show the row",
    "25001": "a transaction can't be changed from within; write one SELECT",
    "25006": "the SQL would write, and alert SQL may only read; write one SELECT",
    "42501": f"the role may not do this; {_READS}",
    "42601": "the SQL can't be read; write one SELECT",
    "42702": "a column name is ambiguous; qualify it",
    "42703": "there is no such column; check the name against the model",
    "42803": "a column must be grouped or aggregated; add it to group by",
    "42804": "types do not match; add a cast",
    "42846": "there is no such cast; cast in dbt",
    "42883": "there is no such function or operator for these types; add a cast",
    "42P01": "there is no such relation; build the model, or check the name",
    "42P02": "there is no such parameter; declare it in the definition",
    "42P18": "a parameter has no type here; add a cast",
}
_FAILED_CLASSES = {
    "0A": "Postgres does not support this; write one plain SELECT",
    "21": "a subquery gave more than one row; aggregate it",
    "22": "a value does not fit what is done with it; correct it in dbt, where a test can show the row",
    "25": "a transaction can't be changed from within; write one SELECT",
    "2F": "a function failed; leave it out",
    "3F": "there is no such schema; check the name",
    "42": "the SQL is not valid here; run it with `alerting sql` to see why",
    "54": "the SQL is too complex; move logic into dbt",
}
_STOPPED = {
    "25P03": "the reader was idle for too long and was disconnected; try again",
    "25P04": "the query took longer than it may; move logic into dbt",
    "53200": "the query needs more memory than there is; move logic into dbt",
    "53400": "the query needs more disk for sorting than it may; aggregate in dbt",
    "54000": "the query's result is too large; select fewer columns or rows",
    "55P03": "a table was locked for too long; try again when the load has finished",
    "57014": "the query took longer than it may, and was stopped; move logic into dbt",
}
_UNREACHABLE = "the warehouse can't be reached or went away; see that it runs, and try again"
_WORD = re.compile(r'"[^"]{1,63}"|\w{1,63}|\S')


def redacted(error: psycopg.Error, sql: str, position_of_sql: int | None) -> WarehouseError:
    """The error without the database's text. `position_of_sql`: where `sql` begins in the statement sent, from 0.

    None where positions can't be mapped (parameters were bound); the error then has no offset.
    """
    sqlstate = error.sqlstate
    offset = _offset(error, sql, position_of_sql)
    if sqlstate is None:
        if isinstance(error, psycopg.OperationalError):
            return WarehouseUnreachable(_sentence(_UNREACHABLE))
        return QueryFailed(_sentence("the SQL gives no rows; write one SELECT"))
    if sqlstate in _STOPPED:
        return QueryStopped(_sentence(_STOPPED[sqlstate], sqlstate), sqlstate=sqlstate, offset=offset)
    if sqlstate[:2] in ("08", "57", "53", "58", "28", "3D"):
        return WarehouseUnreachable(_sentence(_UNREACHABLE, sqlstate), sqlstate=sqlstate)
    reason = _FAILED.get(sqlstate) or _FAILED_CLASSES.get(sqlstate[:2], "the database refused the SQL; leave it out")
    kind = RelationMissing if sqlstate in ("42P01", "3F000") else QueryFailed
    return kind(_sentence(reason, sqlstate, _place(sql, offset)), sqlstate=sqlstate, offset=offset)


def _offset(error: psycopg.Error, sql: str, position_of_sql: int | None) -> int | None:
    position = error.diag.statement_position
    if position is None or position_of_sql is None:
        return None
    offset = int(position) - 1 - position_of_sql
    return offset if 0 <= offset <= len(sql) else None


def _place(sql: str, offset: int | None) -> str:
    if offset is None:
        return ""
    line, column = sql.count("\n", 0, offset) + 1, offset - (sql.rfind("\n", 0, offset) + 1) + 1
    word = _WORD.match(sql, offset)
    return f'line {line}, column {column}, at "{word.group().strip(chr(34))}"' if word else f"line {line}, at its end"


def _sentence(reason: str, sqlstate: str | None = None, place: str = "") -> str:
    code = f" (SQLSTATE {sqlstate})" if sqlstate else ""
    what, _, remedy = reason.partition("; ")
    return f"{place}: {what}{code}; {remedy}" if place else f"{what[0].upper()}{what[1:]}{code}; {remedy}"
