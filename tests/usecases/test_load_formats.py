"""What arrives in the table is what stands in the file, whatever the format."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Database
from tests.landing import Landing, declare


@pytest.fixture
def landing(tmp_path: Path, database: Database) -> Landing:
    return Landing(tmp_path / "a home", database.owner_url)


# ---- CSV ------------------------------------------------------------------------------------------------------------


def test_quotes_line_ends_and_unicode_arrive_as_written(landing: Landing) -> None:
    text = 'id,"Some, Note",naïve\r\n1,"say ""hi"",\r\nthen go\ttab",Zoë 💳\r\n2,\\.,\r\n\r\n\r\n'
    landing.put("t/ä b.csv", ("\ufeff" + text).encode())
    source = declare("t", "*.csv", "id bigint, some_note text")
    assert landing.load(source).problems == []
    assert landing.rows("select id, some_note, naive, _file from raw.t order by id") == [
        (1, 'say "hi",\r\nthen go\ttab', "Zoë 💳", "ä b.csv"),
        (2, "\\.", None, "ä b.csv"),
    ]


def test_a_quoted_empty_field_is_an_empty_text_and_no_number(landing: Landing) -> None:
    landing.put("t/1.csv", 'id,note,amount\n1,"",""\n2,,\n')
    landing.load(declare("t", "*.csv", "id bigint, note text, amount numeric"))
    assert landing.rows("select note, amount from raw.t order by id") == [("", None), (None, None)]


def test_null_may_be_spelled_out_quoted_or_not(landing: Landing) -> None:
    landing.put("t/1.csv", 'id,note,amount\n1,NULL,"NULL"\n2,"NULL",NULL\n3,null,3\n')
    landing.load(declare("t", "*.csv", "id bigint, note text, amount numeric", null_as="NULL"))
    assert landing.rows("select note, amount from raw.t order by id") == [(None, None), (None, None), ("null", 3)]


def test_money_keeps_every_digit_and_instants_are_utc(landing: Landing) -> None:
    landing.put(
        "t/1.csv", "cost,at\n0.1234567890123456789012345,2026-10-01 00:00:00\n-1e-7,2026-10-01T02:00:00+02:00\n"
    )
    landing.load(declare("t", "*.csv", "cost numeric, at timestamptz"))
    assert landing.rows("select cost::text, at from raw.t order by cost desc") == [
        ("0.1234567890123456789012345", datetime(2026, 10, 1, tzinfo=UTC)),
        ("-0.0000001", datetime(2026, 10, 1, tzinfo=UTC)),
    ]


def test_a_date_whose_day_and_month_could_be_either_is_refused(landing: Landing) -> None:
    landing.put("t/1.csv", "at\n01/02/2026\n")
    (problem,) = landing.load(declare("t", "*.csv", "at date")).problems
    assert '1.csv:2: column "at": date/time field value out of range: "01/02/2026"' in problem.error


def test_delimiter_and_encoding_are_as_declared(landing: Landing) -> None:
    landing.put("t/1.csv", "id;Größe\n1;10 €\n".encode("windows-1252"))
    landing.load(declare("t", "*.csv", "id bigint", delimiter=";", encoding="windows-1252"))
    assert landing.rows("select id, grosse from raw.t") == [(1, "10 €")]


def test_gzip_may_have_several_members(landing: Landing) -> None:
    landing.put("t/1.csv.gz", gzip.compress(b"id\n1\n") + gzip.compress(b"2\n") + b"\0" * 512)
    landing.load(declare("t", "*.csv.gz", "id bigint"))
    assert landing.rows("select id from raw.t order by id") == [(1,), (2,)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id\n1\n", "gzip data is damaged"),
        (b"", "breaks off"),
        (gzip.compress(b"id\n" * 99, mtime=0)[:-4], "breaks off"),
    ],
)
def test_what_is_no_whole_gzip_is_refused(landing: Landing, content: bytes, said: str) -> None:
    landing.put("t/1.csv.gz", content)
    assert said in landing.load(declare("t", "*.csv.gz", "id bigint")).problems[0].error


def test_a_large_header_and_long_fields_cross_every_chunk(landing: Landing) -> None:
    names = [f"column_{number}" for number in range(300)]
    rows = [",".join(f'"{"é" * 997}{number}"' for number in range(300)) for _ in range(3)]
    landing.put("t/1.csv", ",".join(names) + "\n" + "\n".join(rows))
    assert landing.load(declare("t", "*.csv", "column_0 text")).rows == 3
    assert landing.rows("select distinct length(column_299), right(column_299, 3) from raw.t") == [(1000, "299")]


# ---- JSON lines -----------------------------------------------------------------------------------------------------


def test_json_lines_keep_digits_types_and_nested_values(landing: Landing) -> None:
    lines = [
        '{"id": 9007199254740993, "Cost": 0.10000000000000000555, "ok": true, "deep": {"a": [1, "ü"]}, "note": ""}',
        "",
        '{"id": "2", "Cost": "", "note": "tab\\tline\\nback\\\\slash \\\\N", "late": null}',
        '{"id": 3, "Cost": 1e-7, "note": null, "late": 1.10}',
    ]
    landing.put("t/1.jsonl", "\ufeff" + "\r\n".join(lines))
    landing.load(declare("t", "*.jsonl", "id bigint, cost numeric, ok boolean, note text"))
    assert landing.rows("select id, cost::text, ok, note, deep::jsonb, late from raw.t order by id") == [
        (2, None, None, "tab\tline\nback\\slash \\N", None, None),
        (3, "0.0000001", None, None, None, "1.10"),
        (9007199254740993, "0.10000000000000000555", True, "", {"a": [1, "ü"]}, None),
    ]


def test_json_lines_may_be_packed_and_a_day_may_be_empty(landing: Landing) -> None:
    source = declare("t", "*.jsonl.gz", "id bigint")
    landing.put("t/1.jsonl.gz", gzip.compress(b'{"id": 1}\n{"id": 2}'))
    landing.put("t/2.jsonl.gz", gzip.compress(b""))
    result = landing.load(source)
    assert (result.files, result.rows, result.problems) == (2, 2, [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"id": 1}\n\n{"id": "x"}\n', '1.jsonl:3: column "id": "x" is not a value of type bigint'),
        ('{"id": 1}\n{"id":\n', "1.jsonl:2: the line is not JSON (Expecting value at character 7)"),
        ("[1]\n", "1.jsonl:1: the line is not a JSON object: [1]"),
        ('{"id": NaN}\n', "1.jsonl:1: the line is not JSON (NaN is not a JSON number)"),
        ('{"id": 1, "ID": 2}\n', 'the columns "id" and "ID" would both be id'),
        (b'{"id": "\xff"}\n', "1.jsonl:1: the text is not UTF-8"),
        ('{"id": 1, "a": "\\u0000"}\n', "1.jsonl:1:"),
        ('{"id": 1, "a": "\\ud800"}\n', "1.jsonl:1:"),
        ("[" * 200_000, "1.jsonl:1: the line is not JSON"),
    ],
)
def test_a_bad_line_of_json_is_one_sentence(landing: Landing, content: bytes | str, said: str) -> None:
    landing.put("t/1.jsonl", content)
    (problem,) = landing.load(declare("t", "*.jsonl", "id bigint")).problems
    assert said in problem.error
    assert len(problem.error) < 400


# ---- Parquet --------------------------------------------------------------------------------------------------------


def test_parquet_values_arrive_exactly(landing: Landing, tmp_path: Path) -> None:
    money = Decimal("1234567890123456789012345678.0123456789")
    ns = 1_530_403_326_999_999_999
    table = pa.table(
        {
            "transactionId": pa.array([2**63 - 1, None], pa.int64()),
            "u": pa.array([2**64 - 1, 0], pa.uint64()),
            "money": pa.array([money, None], pa.decimal128(38, 10)),
            "price": pa.array([74.37, 1e-7], pa.float64()),
            "at": pa.array([ns, -1], pa.timestamp("ns")),
            "zoned": pa.array([ns, None], pa.timestamp("ns", tz="Europe/Berlin")),
            "us": pa.array([datetime(2026, 10, 1, 1, 2, 3, 456789, tzinfo=UTC), None], pa.timestamp("us", tz="UTC")),
            "day": pa.array([date(2026, 10, 1), None]),
            "hour": pa.array([time(1, 2, 3, 4), None]),
            "ok": pa.array([True, None]),
            "text": pa.array(["", None]),
            "odd": pa.array(['a"b,c\nd\\N', "NULL"]),
            "kind": pa.array(["x", None]).dictionary_encode(),
            "raw": pa.array([b"\xde\xad", None]),
            "list": pa.array([[1, 2], None]),
            "deep": pa.array([{"a": "ü"}, None]),
        }
    )
    path = landing.put("t/we ird[1]'*?.parquet", b"")
    pq.write_table(table, path)
    columns = (
        "transaction_id bigint, u numeric, money numeric, price numeric, at timestamptz, zoned timestamptz, "
        "us timestamptz, day date, hour time, ok boolean, text text, odd text, kind text, raw bytea, list jsonb, "
        "deep json"
    )
    assert landing.load(declare("t", "*.parquet", columns)).problems == []
    first, second = landing.rows(
        "select transaction_id, u, money, price::text, at, zoned, us, day, hour, ok, text, odd, kind, raw, list, deep "
        "from raw.t order by transaction_id"
    )
    cut = datetime(2018, 7, 1, 0, 2, 6, 999999, tzinfo=UTC)
    assert first == (
        2**63 - 1, 2**64 - 1, money, "74.37", cut, cut, datetime(2026, 10, 1, 1, 2, 3, 456789, tzinfo=UTC),
        date(2026, 10, 1), time(1, 2, 3, 4), True, "", 'a"b,c\nd\\N', "x", b"\xde\xad", [1, 2], {"a": "ü"},
    )  # fmt: skip
    assert second[:5] == (None, 0, None, "0.0000001", datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    assert second[5:] == (None, None, None, None, None, None, "NULL", None, None, None, None)


def test_a_parquet_file_that_breaks_off_is_refused_and_the_next_one_loaded(landing: Landing) -> None:
    table = pa.table({"id": pa.array(range(200_000))})
    whole = landing.put("t/2.parquet", b"")
    pq.write_table(table, whole, row_group_size=10_000)
    content = whole.read_bytes()
    landing.put("t/1.parquet", content[: len(content) // 2])
    landing.put("t/3.parquet", content[:5000] + b"\xff" * 5000 + content[10000:])
    landing.put("t/4.parquet", b"")
    result = landing.load(declare("t", "*.parquet", "id bigint"))
    assert (result.rows, result.files) == (200_000, 1)
    assert [problem.file for problem in result.problems] == ["1.parquet", "3.parquet", "4.parquet"]
    for problem in result.problems:
        assert "Parquet data can't be read" in problem.error
        assert "/dev/fd" not in problem.error
    assert landing.rows("select count(*) from raw.t") == [(200_000,)]


def test_a_value_that_does_not_fit_stops_the_reader_of_parquet_too(landing: Landing) -> None:
    pq.write_table(pa.table({"id": pa.array(["x"] * 500_000)}), landing.put("t/1.parquet", b""))
    (problem,) = landing.load(declare("t", "*.parquet", "id bigint")).problems
    assert '1.parquet: column "id": "x" is not a value of type bigint' in problem.error


def test_the_same_rows_in_every_format_are_the_same_data(landing: Landing) -> None:
    rows = [{"id": n, "cost": f"{n}.{n:06d}", "note": None if n % 3 else f'n"{n}'} for n in range(1000)]
    landing.put("jsonl/1.jsonl", "\n".join(json.dumps(row) for row in rows))
    body = "\n".join(f'{r["id"]},{r["cost"]},"{str(r["note"]).replace(chr(34), chr(34) * 2)}"' for r in rows)
    landing.put("csv/1.csv", "id,cost,note\n" + body.replace('"None"', ""))
    table = pa.table(
        {
            "id": [row["id"] for row in rows],
            "cost": [Decimal(str(row["cost"])) for row in rows],
            "note": [row["note"] for row in rows],
        }
    )
    pq.write_table(table, landing.put("parquet/1.parquet", b""))
    found = set()
    for form in ("csv", "jsonl", "parquet"):
        landing.load(declare(form, f"*.{form}", "id bigint, cost numeric, note text"))
        found.update(
            landing.rows(
                f"select sum(id), sum(cost), count(note), md5(string_agg(note, ',' order by id)) from raw.{form}"
            )
        )
    assert len(found) == 1
