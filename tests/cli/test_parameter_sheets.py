"""A sheet proposes changes: on the way of any change, once, answered beside what was typed; in a real .xlsx."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.worksheet.worksheet import Worksheet

from alerting_pipeline.app import App
from alerting_pipeline.app.parameter_sheets import read_sheets
from alerting_pipeline.app.passing_time import pass_time
from alerting_pipeline.store.sheet_proposals import SheetProposals
from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.cli.test_plan_command import FILE, PLAIN, payments
from tests.conftest import Database
from tests.definition_folder import DESTINATIONS, PEOPLE, ROUTING, DefinitionFolder

pytestmark = pytest.mark.scenario  # whole runs of the command line, with real sheets

__all__ = ["call", "folder", "payments"]
SHEET = "  thresholds: {channel: parameter_sheet}\n"
CLEO = "  cleo: {name: Cleo, email: cleo@example.com, roles: [risk-analyst, risk-lead]}\nteams:"
READ = ("parameters", "read-sheet", "--no-impact")


class Paper:
    """The file as people see it: cells by row and column name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def change(self, deed: Callable[[Worksheet], None]) -> None:
        book = load_workbook(self.path, rich_text=True)
        deed(book["Parameters"])
        book.save(self.path)

    def type(self, row: int = 2, **cells: Any) -> None:
        def deed(sheet: Worksheet) -> None:
            for name, value in cells.items():
                sheet.cell(row, self.columns[name.replace("_", " ")]).value = value

        self.change(deed)

    @property
    def columns(self) -> dict[str, int]:
        sheet = load_workbook(self.path)["Parameters"]
        return {str(cell.value): place for place, cell in enumerate(sheet[1], 1) if cell.value is not None}

    def rows(self) -> list[dict[str, Any]]:
        sheet = load_workbook(self.path)["Parameters"]
        names = [str(cell.value) for cell in sheet[1]]
        return [dict(zip(names, row, strict=True)) for row in sheet.iter_rows(min_row=2, values_only=True)]

    def row(self, row: int = 2) -> dict[str, Any]:
        return self.rows()[row - 2]

    @property
    def answer(self) -> str:
        return str(self.row()["answer"])


@pytest.fixture
def paper(call: Call, folder: DefinitionFolder, home: Path) -> Paper:
    folder.write(FILE, PLAIN)
    folder.write("destinations.yaml", DESTINATIONS + SHEET)
    folder.write("people.yaml", PEOPLE.replace("teams:", CLEO))
    data(call, "evaluate")
    data(call, "parameters", "write-sheet")
    return Paper(home / "sheets" / "thresholds.xlsx")


def ask(paper: Paper, value: Any = "20000", **more: Any) -> None:
    paper.type(**{"new_value": value, "reason": "too many small ones", "person": "ada", **more})


def requests(call: Call) -> list[Any]:
    return data(call, "parameters", "list", "--all")["requests"]


def test_there_is_a_row_for_each_value_that_is_in_force(paper: Paper) -> None:
    limit, premium = paper.rows()
    assert (limit["alert"], limit["parameter"], limit["scope"], limit["for"]) == (
        "large_transaction", "review_limit", "default", None,
    )  # fmt: skip
    assert (limit["unit"], limit["minimum"], limit["maximum"], limit["in force"]) == ("USD", "100", "250000", "10000")
    assert (premium["scope"], premium["for"], premium["in force"]) == ("segment", "premium", "50000")


def test_what_is_typed_becomes_a_request_with_its_impact_and_is_answered_beside_it(
    call: Call, paper: Paper, payments: None
) -> None:
    ask(paper, 15000)
    [done] = data(call, "parameters", "read-sheet", "--days", "14")["rows"]
    assert (done["is_new"], done["old"], done["new"]) == (True, "10000", "15000")
    assert (done["impact"]["gained"], done["impact"]["lost"]) == (0, 5)
    [request] = requests(call)
    assert (request["requested_by"], request["reason"], request["status"], request["new"]) == (
        "ada", "too many small ones", "open", "15000",
    )  # fmt: skip
    assert request["impact"]["lost"] == 5
    assert paper.answer == f"request {request['request_id']} waits for approval by ben or cleo, until 2026-01-12"


def test_whoever_is_named_is_told_that_a_request_was_made_in_their_name(
    call: Call, paper: Paper, database: Database
) -> None:
    ask(paper)
    data(call, *READ)
    with psycopg.connect(database.owner_url) as connection:
        told = connection.execute(
            "select destination, message ->> 'title', message ->> 'note' from ledger.outbox "
            "where transition = 'change_in_your_name'"
        ).fetchall()
    assert told == [
        (
            "@ada",
            "A request in your name, typed in the sheet thresholds",
            "If it wasn't you, withdraw it: `alerting parameters reject 1`.",
        )
    ]


def test_a_row_that_is_read_twice_asks_once(call: Call, paper: Paper) -> None:
    ask(paper)
    assert [data(call, *READ)["rows"][0]["is_new"] for _ in range(3)] == [True, False, False]
    assert len(requests(call)) == 1


def test_the_answer_follows_the_request_and_the_value_in_force_is_written_anew(call: Call, paper: Paper) -> None:
    ask(paper)
    number = str(data(call, *READ)["rows"][0]["request_id"])
    assert paper.row()["in force"] == "10000"
    data(call, "parameters", "approve", number, "--as", "ben")
    data(call, *READ)
    assert (paper.answer, paper.row()["in force"]) == (f"request {number} is approved by ben", "20000")
    data(call, *READ)
    assert len(requests(call)) == 1
    ask(paper, "30000")
    number = str(data(call, *READ)["rows"][0]["request_id"])
    data(call, "parameters", "reject", number, "--as", "ben", "--reason", "too high")
    data(call, *READ)
    assert paper.answer == f"request {number} is rejected by ben: too high"


def test_a_row_that_was_emptied_may_ask_for_the_same_again(call: Call, paper: Paper) -> None:
    ask(paper)
    first = data(call, *READ)["rows"][0]["request_id"]
    data(call, "parameters", "reject", str(first), "--as", "ben", "--reason", "not now")
    paper.type(new_value=None)
    assert data(call, *READ)["rows"] == []
    assert paper.row()["answer"] is None
    ask(paper)
    assert data(call, *READ)["rows"][0]["request_id"] > first


def test_who_saw_another_value_is_told_that_somebody_was_faster(call: Call, paper: Paper) -> None:
    data(call, "parameters", "propose", "large_transaction", "review_limit", "12000", "--as", "ada", "--reason", "x",
         "--no-impact")  # fmt: skip
    data(call, "parameters", "approve", "1", "--as", "ben")
    ask(paper)
    data(call, *READ)
    assert paper.answer.startswith("refused: large_transaction.review_limit is 12000 meanwhile, and not 10000")
    assert paper.row()["in force"] == "12000"
    assert len(requests(call)) == 1


def test_a_crash_between_asking_and_answering_answers_and_asks_no_second_time(
    call: Call, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(paper)
    with monkeypatch.context() as broken:
        broken.setattr(
            "alerting_pipeline.adapters.parameter_workbook.ParameterWorkbook.rewrite",
            lambda *_: (_ for _ in ()).throw(KeyboardInterrupt),
        )
        with App.from_environment() as app, pytest.raises(KeyboardInterrupt):
            read_sheets(app, app.clock.now())
    assert paper.row()["answer"] is None
    [done] = data(call, *READ)["rows"]
    assert (done["is_new"], done["request_id"]) == (False, 1)
    assert paper.answer.startswith("request 1 waits for approval")
    assert len(requests(call)) == 1


def test_the_running_system_reads_sheets_by_itself(call: Call, paper: Paper) -> None:
    ask(paper)
    with App.from_environment() as app:
        assert pass_time(app, app.clock.now()) == []
    assert paper.answer.startswith("request 1 waits for approval")


def test_a_dry_run_shows_what_would_be_asked_and_writes_nothing(call: Call, paper: Paper) -> None:
    ask(paper)
    before = paper.path.read_bytes()
    [done] = data(call, *READ, "--dry-run")["rows"]
    assert (done["answer"], done["new"]) == ("would wait for approval by ben or cleo", "20000")
    assert (requests(call), paper.path.read_bytes()) == ([], before)
    assert "a dry run: nothing was asked for" in call(*READ, "--dry-run")[1]


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        ({"person": "mallory"}, "refused: mallory may not change"),
        ({"person": "ben"}, "refused: ben may not change"),  # he may approve, and not ask
        ({"new_value": "250001"}, "refused: the value of large_transaction.review_limit 250001 is over the maximum"),
        ({"new_value": "10000.0"}, "refused: large_transaction.review_limit has 10000.0 USD already"),
        ({"person": None}, "not asked for yet: write your name beside it"),
        ({"reason": None, "person": " "}, "not asked for yet: write a reason and your name beside it"),
        ({"alert": "no_such_alert"}, "refused: no_such_alert has no parameter review_limit that is in force"),
        ({"parameter": None}, "refused: the row names no parameter"),
        ({"scope": "everything"}, 'refused: scope "everything" is not one of default'),
        ({"for": "premium"}, 'refused: scope default is for everything, and the column "for" says premium'),
        ({"reason": "=cmd|' /C calc'!A0"}, "refused: reason: the cell holds a formula"),
    ],
)
def test_what_can_not_be_asked_for_is_refused_in_the_cell(
    call: Call, paper: Paper, cells: dict[str, Any], answer: str
) -> None:
    ask(paper, **cells)
    assert call(*READ)[0] == 0
    assert paper.answer.startswith(answer)
    assert requests(call) == []
    assert call(*READ)[0] == 0
    assert paper.answer.startswith(answer)


def test_a_row_for_a_new_segment_may_be_added(call: Call, paper: Paper) -> None:
    paper.type(4, alert="large_transaction", parameter="review_limit", scope="segment",
               **{"for": "gold", "new_value": 70000, "reason": "known", "person": "ada"})  # fmt: skip
    [done] = data(call, *READ)["rows"]
    assert (done["key"], done["old"], done["new"]) == ("large_transaction.review_limit for segment gold", None, "70000")


def test_two_rows_for_one_value_ask_for_nothing(call: Call, paper: Paper) -> None:
    ask(paper)
    paper.type(4, alert="large_transaction", parameter="review_limit", scope="default", new_value="30000", reason="x",
               person="ada")  # fmt: skip
    data(call, *READ)
    assert {paper.rows()[0]["answer"], paper.rows()[2]["answer"]} == {
        "refused: the row of large_transaction.review_limit stands twice; delete one of them"
    }
    assert requests(call) == []


def test_a_name_in_a_cell_changes_nothing_that_nobody_has_to_approve(
    call: Call, paper: Paper, folder: DefinitionFolder
) -> None:
    folder.write(FILE, PLAIN.replace("approved_by: [risk-lead]", "approved_by: []"))
    data(call, "evaluate")
    ask(paper)
    data(call, *READ)
    assert paper.answer.startswith("refused: large_transaction.review_limit needs nobody's approval, and anybody can")
    folder.write("destinations.yaml", DESTINATIONS + SHEET.replace("sheet}", "sheet, without_approval: true}"))
    data(call, "evaluate")
    ask(paper, reason="again")
    data(call, *READ)
    assert paper.answer == "request 1 is approved"
    assert paper.row()["in force"] == "20000"


def test_what_people_typed_elsewhere_stays_wherever_they_moved_our_columns(call: Call, paper: Paper) -> None:
    def rearrange(sheet: Worksheet) -> None:
        sheet.insert_cols(1)
        sheet["A1"], sheet["A2"] = "my note", "=1+1"
        sheet["Z9"] = CellRichText(TextBlock(InlineFont(b=True), "bold"), " and plain")

    paper.change(rearrange)
    ask(paper)
    data(call, *READ)
    assert paper.answer.startswith("request 1 waits")
    sheet = load_workbook(paper.path, rich_text=True)["Parameters"]
    assert (sheet["A2"].value, str(sheet["Z9"].value)) == ("=1+1", "bold and plain")


def test_a_file_that_can_not_be_used_is_one_sentence_and_holds_up_nothing_else(
    call: Call, paper: Paper, folder: DefinitionFolder, home: Path
) -> None:
    folder.write("destinations.yaml", DESTINATIONS + SHEET + SHEET.replace("thresholds", "second"))
    data(call, "evaluate")
    data(call, "parameters", "write-sheet")
    other = Paper(home / "sheets" / "second.xlsx")
    ask(other)
    good = paper.path.read_bytes()
    for spoil, sentence in (
        (lambda: paper.path.write_bytes(b"PK\3\4 half a file"), "thresholds.xlsx is not a readable .xlsx file; put"),
        (lambda: paper.path.write_bytes(good[:3000]), "thresholds.xlsx is not a readable .xlsx file; put"),
        (lambda: paper.type(1, new_value="limit"), 'thresholds.xlsx has no column "new value"; name it so again'),
        (lambda: paper.type(1, reason="person"), 'thresholds.xlsx has the column "person" twice'),
        (lambda: _rename(paper), 'thresholds.xlsx has no worksheet "Parameters"; name it so again'),
    ):
        paper.path.write_bytes(good)
        spoil()
        code, _, err = call(*READ, "--json")
        assert (code, sentence in err, "Traceback" in err) == (1, True, False), err
        with App.from_environment() as app:
            [failure] = pass_time(app, app.clock.now())
        assert sentence in failure
    assert other.answer.startswith("request 1 waits")


def test_while_the_file_is_open_elsewhere_it_is_read_and_answered_once_it_is_closed(call: Call, paper: Paper) -> None:
    ask(paper)
    beside = paper.path.with_name(f"~${paper.path.name}")
    beside.touch()
    code, _, err = call(*READ)
    assert (code, "is open in a spreadsheet program; answers are written once it is closed" in err) == (1, True)
    assert len(requests(call)) == 1
    beside.unlink()
    data(call, *READ)
    assert paper.answer.startswith("request 1 waits")


def test_an_answer_is_data_and_never_a_formula(call: Call, paper: Paper) -> None:
    ask(paper, person="=1+1")
    data(call, *READ)
    ask(paper, "@SUM(A1)")
    data(call, *READ)
    sheet = load_workbook(paper.path)["Parameters"]
    cell = sheet.cell(2, paper.columns["answer"])
    assert (cell.data_type, str(cell.value).startswith("refused: ")) == ("s", True)


def test_a_value_that_begins_like_a_formula_is_guarded_and_read_back_as_it_is(
    call: Call, paper: Paper, folder: DefinitionFolder
) -> None:
    folder.write(
        FILE,
        PLAIN.replace(
            "parameters:\n",
            "parameters:\n  sign: {type: text, default: '=A1', changed_by: [risk-analyst], approved_by: [risk-lead]}\n",
        ).replace("condition: amount", "condition: :sign <> '' and amount"),
    )
    data(call, "evaluate")
    data(call, "parameters", "write-sheet")
    [number] = [n for n, row in enumerate(paper.rows(), 2) if row["parameter"] == "sign"]
    assert paper.row(number)["in force"] == "'=A1"
    paper.type(number, new_value="b", reason="x", person="ada")
    [done] = data(call, *READ)["rows"]
    assert (done["old"], done["new"]) == ("=A1", "b")


def test_a_message_to_a_parameter_sheet_is_refused_and_so_is_a_misspelt_setting(
    call: Call, folder: DefinitionFolder
) -> None:
    folder.write("destinations.yaml", DESTINATIONS + "  thresholds: {channel: parameter_sheet, worksheets: X}\n")
    code, out, _ = call("validate")
    assert (code, 'unknown key "worksheets"' in out) == (1, True)


def test_who_routes_messages_to_a_parameter_sheet_is_told(call: Call, paper: Paper, folder: DefinitionFolder) -> None:
    folder.write(FILE, PLAIN.replace('notify: ["#risk"]', "notify: [thresholds]"))
    folder.write("routing.yaml", ROUTING.replace('["#risk", risk-mail]', '["#risk", thresholds]'))
    code, out, _ = call("validate")
    said = '"thresholds" is a parameter sheet: people write there, and no message is taken; name another destination'
    assert (code, out.count(said)) == (1, 2), out


def test_of_two_who_read_a_sheet_at_once_one_does(call: Call, paper: Paper) -> None:
    ask(paper)
    with App.from_environment() as app, SheetProposals(app.engine).alone("thresholds") as is_alone:
        assert is_alone
        assert data(call, *READ)["rows"] == []
        assert requests(call) == []
    with ThreadPoolExecutor(2) as pool, App.from_environment() as one, App.from_environment() as other:
        for each in (one, other):
            _ = each.engine
        list(pool.map(lambda app: read_sheets(app, app.clock.now()), (one, other)))
    data(call, *READ)
    assert len(requests(call)) == 1
    assert paper.answer.startswith("request 1 waits")


def test_without_a_sheet_there_is_a_remedy(call: Call, folder: DefinitionFolder) -> None:
    data(call, "evaluate")
    code, _, err = call("parameters", "read-sheet")
    assert (code, "add one to destinations.yaml, such as `thresholds: {channel: parameter_sheet}`" in err) == (1, True)
    code, _, err = call("parameters", "write-sheet", "x")
    assert (code, '"x" is not a parameter sheet in destinations.yaml; there is none' in err) == (2, True)


@pytest.mark.parametrize(
    ("value", "new"),
    [
        (20000, "20000"),
        (20000.5, "20000.5"),
        (1e5, "100000"),
        ("20000", "20000"),
        (100.1, "100.1"),
        ("100.100000000000000001", "100.100000000000000001"),
        (123456.7890123, "123456.7890123"),
    ],
)
def test_a_number_is_taken_exactly(call: Call, paper: Paper, value: Any, new: str) -> None:
    ask(paper, value)
    [done] = data(call, *READ)["rows"]
    assert done.get("new") == new, done


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("=10000+1", "formula"),
        (CellRichText(TextBlock(InlineFont(strike=True), "100"), "200"), "a part of the text in the cell"),
        (datetime(2026, 1, 5, tzinfo=UTC).replace(tzinfo=None), "made a date or a time of it"),
        (True, "holds a boolean"),
        (123456789012345, "keeps no more than 15 digits"),
        (123456.789012345, "keeps no more than 15 digits"),
        (1234567890123450000, "keeps no more than 15 digits"),
        ("20,000", "not a plain decimal number"),
        ("20.000,00", "not a plain decimal number"),
        (" 20000", "not a plain decimal number"),
        ("２００００", "not a plain decimal number"),
        ("1e4", "not a plain decimal number"),
        ("NaN", "not a plain decimal number"),
    ],
)
def test_what_is_not_exactly_what_it_shows_is_refused(call: Call, paper: Paper, value: Any, sentence: str) -> None:
    ask(paper, value)
    data(call, *READ)
    assert paper.answer.startswith("refused: ") and sentence in paper.answer
    assert requests(call) == []


@pytest.mark.parametrize(("number_format", "value"), [("0%", 200.5), ("0", 200.5), ("0,", 20000), ("0.00", 200.125)])
def test_a_format_that_shows_another_number_is_refused(
    call: Call, paper: Paper, number_format: str, value: float
) -> None:
    ask(paper, value)

    def dress(sheet: Worksheet) -> None:
        sheet.cell(2, paper.columns["new value"]).number_format = number_format

    paper.change(dress)
    data(call, *READ)
    assert f"({number_format})" in paper.answer


def test_analysts_see_what_was_read(call: Call, paper: Paper, database: Database) -> None:
    ask(paper, person="mallory")
    data(call, *READ)
    ask(paper)
    data(call, *READ)
    with psycopg.connect(database.analyst_url) as connection:
        found = connection.execute(
            "select sheet, person, written, request_id, refusal is null, closed_at is null "
            "from alerting.sheet_proposals order by proposal_id"
        ).fetchall()
    assert found == [
        ("thresholds", "mallory", "20000", None, False, False),
        ("thresholds", "ada", "20000", 1, True, True),
    ]


def _rename(paper: Paper) -> None:
    book: Workbook = load_workbook(paper.path)
    book["Parameters"].title = "Limits"
    book.save(paper.path)
