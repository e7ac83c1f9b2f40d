from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from alerting_pipeline.adapters.source_declarations import Declared, read_sources
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.source import Cron, Mode, canonical_type

PROJECT = Path(__file__).parent.parent.parent
GOOD = "{kind: files, pattern: '{day}.csv', format: csv, mode: append}"


def _read(tmp_path: Path, text: str) -> Declared:
    models = tmp_path / "dbt_project" / "models"
    models.mkdir(parents=True, exist_ok=True)
    (models / "sources.yml").write_text(dedent(text))
    return read_sources(tmp_path / "dbt_project")


def _table(ingest: str, columns: str = "[]") -> str:
    return f"""
    sources:
      - name: raw
        tables:
          - name: sales
            config: {{meta: {{ingest: {ingest}}}}}
            columns: {columns}
    """


def test_the_projects_own_sources_are_declared_without_a_problem() -> None:
    declared = read_sources(PROJECT / "dbt_project")
    assert declared.problems == []
    assert {"cost_and_usage", "card_transactions", "focus_costs"} <= set(declared.sources)
    report = declared.sources["cost_and_usage"]
    assert (report.mode, report.root) == (Mode.REPLACE_PERIOD, "cost_and_usage")
    assert report.types["line_item_unblended_cost"] == "numeric"


def test_a_table_says_only_what_differs_from_its_source(tmp_path: Path) -> None:
    declared = _read(
        tmp_path,
        """
        sources:
          - name: raw
            schema: raw
            config:
              meta: {owner: finops, ingest: {kind: files, format: csv, mode: append, null_as: "-"}}
              freshness: {warn_after: {count: 36, period: hour}}
            tables:
              - name: sales
                config:
                  loaded_at_field: _loaded_at
                  meta: {ingest: {pattern: "{day}.csv", trigger: {cron: "0 6 * * *", timezone: Europe/Berlin}}}
              - {name: refunds, meta: {owner: shop, ingest: {pattern: "{day}.jsonl", format: jsonl}}}
        """,
    )
    assert declared.problems == []
    sales, refunds = declared.sources["sales"], declared.sources["refunds"]
    assert (sales.ingest.null_as, sales.ingest.format, refunds.ingest.format) == ("-", "csv", "jsonl")
    assert (sales.owner, refunds.owner) == ("finops", "shop")
    assert sales.ingest.trigger == Cron(cron="0 6 * * *", timezone="Europe/Berlin")
    assert refunds.ingest.trigger == "arrival"
    assert sales.freshness.warn_after == timedelta(hours=36)
    assert sales.freshness.column == "_loaded_at"


@pytest.mark.parametrize(
    ("ingest", "said"),
    [
        ("{kind: files, pattern: a.csv, format: csv, mode: apend}", 'mode can\'t be "apend"'),
        ("{kind: files, patern: a.csv, format: csv, mode: append}", 'did you mean "pattern"'),
        ("{kind: files, format: csv, mode: append}", "ingest lacks pattern"),
        ("{kind: files, pattern: '{x}/{y}.csv', format: csv, mode: replace_period}", "needs period"),
        ("{kind: files, pattern: '{taken}/x.csv', format: csv, mode: snapshot}", "needs delivery"),
        (
            "{kind: files, pattern: '{x}.csv', format: csv, mode: snapshot, delivery: taken}",
            "not a field of the pattern",
        ),
        ("{kind: files, pattern: ../a.csv, format: csv, mode: append}", "not a path below the root"),
        ("{kind: files, pattern: a.csv, format: csv, mode: append, delimiter: '::'}", "single character"),
    ],
)
def test_a_wrong_declaration_is_one_sentence_with_its_place(tmp_path: Path, ingest: str, said: str) -> None:
    declared = _read(tmp_path, _table(ingest))
    assert declared.sources == {}
    assert any(said in str(problem) for problem in declared.problems), declared.problems
    assert all(str(problem).startswith("dbt_project/models/sources.yml:") for problem in declared.problems)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("[{name: Amount}]", "lower snake_case"),
        ("[{name: a}, {name: a}]", "declared twice"),
        ('[{name: a, data_type: "text); drop table x; --"}]', "not a type"),
    ],
)
def test_a_wrong_column_is_one_sentence(tmp_path: Path, columns: str, said: str) -> None:
    assert said in str(_read(tmp_path, _table(GOOD, columns)).problems)


def test_an_unknown_source_is_a_bad_call_with_a_proposal(tmp_path: Path) -> None:
    declared = _read(tmp_path, _table(GOOD))
    with pytest.raises(BadCall, match='did you mean "sales"'):
        declared.chosen(("salse",))


def test_a_broken_declaration_stops_only_those_who_need_it(tmp_path: Path) -> None:
    declared = _read(tmp_path, _table(GOOD))
    (tmp_path / "dbt_project" / "models" / "other.yml").write_text(
        "sources: [{name: raw, tables: [{name: x, meta: {ingest: 3}}]"
    )
    declared = read_sources(tmp_path / "dbt_project")
    assert [source.name for source in declared.chosen(("sales",))] == ["sales"]
    with pytest.raises(AlertingError, match=r"other\.yml"):
        declared.chosen(())


def test_types_are_written_as_postgres_writes_them() -> None:
    assert canonical_type("TIMESTAMPTZ") == "timestamp with time zone"
    assert canonical_type("numeric(10, 2)") == "numeric(10,2)"
    assert canonical_type("decimal(10)") == "numeric(10,0)"
    assert canonical_type("varchar(20)") == "character varying(20)"
    assert canonical_type("text(3)") is None
    assert canonical_type("text); drop") is None


KEPT = "{kind: files, pattern: '{day}.csv', format: csv, mode: %s, sums: {of: [cost], by: [day], count: lines}}"
SUMMED = "[{name: cost, data_type: numeric}, {name: day, data_type: date}, {name: lines, data_type: bigint}]"


def test_a_source_may_keep_sums_only(tmp_path: Path) -> None:
    declared = _read(tmp_path, _table(KEPT % "append", SUMMED))
    assert declared.problems == []
    sums = declared.sources["sales"].ingest.sums
    assert sums is not None and (sums.of, sums.by, sums.count) == (("cost",), ("day",), "lines")


@pytest.mark.parametrize(
    ("mode", "columns", "told"),
    [
        ("snapshot, delivery: day", SUMMED, "sums are kept of each file"),
        ("append", "[{name: cost, data_type: numeric}, {name: day, data_type: date}]", 'sums names "lines"'),
        ("append", SUMMED.replace("]", ", {name: note}]"), 'the column "note" is not among the sums'),
    ],
)
def test_sums_that_can_not_be_meant_are_told(tmp_path: Path, mode: str, columns: str, told: str) -> None:
    declared = _read(tmp_path, _table(KEPT % mode, columns))
    assert [told in problem.what for problem in declared.problems] == [True]
