# ruff: noqa: E501  # each problem is one line with the sentence that a person reads
"""The folder of definitions: the whole format is read, values are inherited with origins, problems have their place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from alerting_pipeline.adapters.dbt_manifest import load_catalog
from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.loaded import Loaded
from alerting_pipeline.domain.report import ReportDefinition
from tests.conftest import PROJECT
from tests.definition_folder import (
    CATALOG,
    COMPLETE,
    DATA,
    DEFAULTS,
    DESTINATIONS,
    MINIMAL,
    PEOPLE,
    REPORT,
    DefinitionFolder,
)

Read = Callable[..., Loaded]
PATH = "fraud/large_transaction.yaml"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Load a project whose one definition is `text`, with other files replaced by `others`."""

    def load_it(text: str | bytes | None, others: dict[str, str] | None = None) -> Loaded:
        made = DefinitionFolder.make(tmp_path, None)
        for path, content in {**({PATH: text} if text is not None else {}), **(others or {})}.items():
            made.write(path, content)
        return made.load()

    return load_it


def changed(old: str, new: str) -> str:
    assert old in COMPLETE
    return COMPLETE.replace(old, new, 1)


def said(loaded: Loaded) -> list[str]:
    return [str(problem) for problem in loaded.errors]


# --- the whole format -------------------------------------------------------------------------------------------------


def test_the_least_definition_works(read: Read) -> None:
    loaded = read(MINIMAL)
    assert said(loaded) == []
    definition = loaded.alerts["large_transaction"]
    assert (definition.owner, definition.system, definition.link) == (
        "risk-ops",
        "payments",
        "https://backoffice.example.com/{{ alert }}",
    )
    assert definition.parameters["review_limit"].default == Decimal(10000)
    assert definition.heading == "Large transaction"


def test_the_deviance_is_derived_from_the_one_comparison(read: Read) -> None:
    loaded = read(MINIMAL)
    deviance = loaded.alerts["large_transaction"].deviance
    assert deviance is not None
    assert (deviance.value, deviance.limit, deviance.direction, deviance.as_) == (
        "amount",
        "review_limit",
        "above",
        "ratio",
    )
    assert loaded.origins["large_transaction"]["deviance"] == "derived from condition"


def test_the_complete_definition_works(read: Read) -> None:
    loaded = read(COMPLETE)
    assert said(loaded) == []
    definition = loaded.alerts["large_transaction"]
    assert definition.expire_after == timedelta(days=7)
    assert definition.parameters["review_limit"].values == {"premium": Decimal(50000)}
    assert [level.level for level in definition.severity] == ["critical", "high", "medium"]
    assert definition.actions["deny"].disposition == "true_positive"
    assert definition.write_back[0].destination == "fraud_review"
    assert [len(case.timeline) for case in definition.cases] == [1, 2]
    assert definition.cases[0].timeline[0].rows == (
        {
            "transaction_id": "t1",
            "amount": "15000",
            "segment": "retail",
            "status": "pending",
            "created_at": "2026-01-05T04:22:00Z",
            "customer_name": "Ada",
        },
    )


def test_what_is_not_in_force_yet_is_a_note_at_its_place_and_no_error(read: Read) -> None:
    notes = [str(problem) for problem in read(COMPLETE).problems]
    assert notes == [
        f"{PATH}:46:1: note: buttons are not shown in messages yet; `alerting incidents act` does what they say",
    ]


def test_both_examples_hold_against_the_real_dbt_project(dbt_manifest: Path, tmp_path: Path) -> None:
    catalog = load_catalog(dbt_manifest)
    for text in (MINIMAL, COMPLETE):
        made = DefinitionFolder.make(tmp_path, text)
        loaded = made.load(catalog)
        assert said(loaded) == []
        assert "large_transaction" in loaded.alerts


def test_our_own_definitions_are_good(dbt_manifest: Path) -> None:
    loaded = load(PROJECT / "alert_definitions", load_catalog(dbt_manifest))
    assert said(loaded) == []
    assert len(loaded.alerts) >= 4


def test_a_data_definition_is_read_and_in_force(read: Read) -> None:
    loaded = read(DATA)
    assert said(loaded) == []
    assert isinstance(loaded.definitions["transactions_complete"], DataDefinition)
    assert "not evaluated yet" not in "\n".join(map(str, loaded.problems))


def test_freshness_of_what_is_no_time_is_named_at_its_place(read: Read) -> None:
    loaded = read(DATA.replace("column: created_at", "column: amount").replace("column: loaded_at", "column: amount"))
    [said_of_it] = said(loaded)
    assert 'freshness.column "amount" is a number, not a time; name a column that holds a time' in said_of_it


def test_a_report_is_read_with_the_text_of_its_template(read: Read) -> None:
    loaded = read(REPORT)
    assert said(loaded) == []
    report = loaded.definitions["weekly_account_summary"]
    assert isinstance(report, ReportDefinition)
    assert report.template_text == "<p></p>"
    changed = read(REPORT, {"reports/weekly_account_summary.html": "<p>{{ customer_name }}</p>"})
    assert changed.definitions["weekly_account_summary"].version_id != report.version_id


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ('trigger: {cron: "0 8 * * 1", timezone: Europe/Berlin}\n', "", "this one has no schedule; write trigger:"),
        ("to_column: owner_email", "to_column: owner_mail", 'to_column "owner_mail" is not a column'),
        ("to_column:", "condition: customer_idd is not null\nto_column:", '"customer_idd" is not a column'),
        ("to_column:", "condition: customer_id = :who\nto_column:", '":who" is not a parameter'),
        ("to_column:", "condition: customer_id = now()\nto_column:", "use :as_of"),
        ("to_column:", "window: weekk\nto_column:", 'window "weekk" is not a column'),
        ("to_column:", "send_within: {timezone_column: zonee}\nto_column:", 'timezone_column "zonee" is not'),
        ("to_column:", 'send_within: {from: "18:00", to: "08:00"}\nto_column:', "hours end after they start"),
        ("entity: customer_id", "entity: customer_name", "several rows per message (customer_name); make it unique"),
        ("customer_name }}", "customer_nam }}", 'names "customer_nam", which is no column'),
        ("to_column:", "template_text: x\nto_column:", 'unknown key "template_text"'),
        ("to_column:", "unsubscribe: maybe\nto_column:", '"maybe" is not a boolean; write true or false'),
        ("to_column:", "cases: [{name: a, at: 2026-01-05T05:00:00Z, rows: [{nix: 1}], expect: []}]\nto_column:",
         '"nix" is not a column of the model'),
    ],
)  # fmt: skip
def test_a_mistake_in_a_report_is_told_where_it_is(read: Read, before: str, after: str, wanted: str) -> None:
    assert before in REPORT
    (problem,) = [str(each) for each in read(REPORT.replace(before, after)).errors]
    assert wanted in problem
    assert problem.startswith(f"{PATH}:")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("<p>{{ nobody }}</p>", 'names "nobody", which is no column'),
        ("<p>fine</p>\n<script>x</script>", "line 2: the body may not have <script>"),
        ("<a href={{ customer_id }}>x</a>", "without quotes"),
        ("<p>{{ customer_id | monney }}</p>", "there is no filter 'monney'"),
    ],
)
def test_a_mistake_in_the_body_is_told_at_the_template(read: Read, body: str, wanted: str) -> None:
    (problem,) = [str(each) for each in read(REPORT, {"reports/weekly_account_summary.html": body}).errors]
    assert wanted in problem
    line = REPORT.splitlines().index("template: reports/weekly_account_summary.html") + 1
    assert problem.startswith(f"{PATH}:{line}:")


def test_a_query_gives_its_columns_and_refs(read: Read) -> None:
    query = (
        "query: >-\n  select t.transaction_id, t.amount, t.status, t.created_at, t.customer_name, c.country\n"
        "  from {{ ref('transactions') }} t join {{ ref('customers') }} c on c.customer_id = t.customer_id\n"
    )
    text = MINIMAL.replace("model: transactions\n", query).replace(
        "entity: transaction_id", "entity: transaction_id\nworst_by: amount"
    )
    loaded = read(text)
    assert said(loaded) == []


# --- inheritance ------------------------------------------------------------------------------------------------------


def test_the_nearest_value_wins(read: Read) -> None:
    def system(text: str, area: str, defaults: str) -> tuple[str, str]:
        loaded = read(text, {"fraud/_defaults.yaml": area, "defaults.yaml": DEFAULTS + defaults})
        assert said(loaded) == []
        return loaded.alerts["large_transaction"].system, loaded.origins["large_transaction"]["system"]

    everywhere = ("version: 1\nsystem: of the area\n", "system: of all\n")
    assert system(MINIMAL + "system: own\n", *everywhere) == ("own", f"{PATH}:9")
    assert system(MINIMAL, *everywhere) == (
        "payments",
        "meta.alerting of model transactions (models/marts/fraud/_models.yml)",
    )
    other = MINIMAL.replace("model: transactions", "model: customers")
    text = other.replace("entity: transaction_id", "entity: customer_id").replace("occurred_at: created_at\n", "")
    text = text.replace("amount > :review_limit and status = 'pending'", "country = 'x'").replace(
        "{{ amount | money }}", ""
    )
    assert system(text, *everywhere) == ("of the area", "fraud/_defaults.yaml:2")
    assert system(text, "version: 1\n", "system: of all\n") == ("of all", "defaults.yaml:6")


def test_labels_add_up_and_each_has_its_origin(read: Read) -> None:
    loaded = read(
        MINIMAL + "labels: {team: a}\n",
        {"fraud/_defaults.yaml": "version: 1\nlabels: {area: fraud, team: b}\n"},
    )
    assert loaded.alerts["large_transaction"].labels == {"team": "a", "area": "fraud"}
    origins = loaded.origins["large_transaction"]
    assert (origins["labels.team"], origins["labels.area"]) == (f"{PATH}:9", "fraud/_defaults.yaml:2")


def test_an_empty_value_takes_an_inherited_one_back(read: Read) -> None:
    others = {"fraud/_defaults.yaml": "version: 1\nexpire_after: 7d\n"}
    assert read(MINIMAL, others).alerts["large_transaction"].expire_after == timedelta(days=7)
    assert read(MINIMAL + "expire_after: null\n", others).alerts["large_transaction"].expire_after is None


def test_an_error_in_an_inherited_value_is_told_where_it_stands(read: Read) -> None:
    loaded = read(MINIMAL, {"fraud/_defaults.yaml": "version: 1\nowner: risk-opps\nexpire_after: soon\n"})
    assert said(loaded) == [
        'fraud/_defaults.yaml:2:8: owner "risk-opps" is not a team in people.yaml; did you mean "risk-ops"?',
        'fraud/_defaults.yaml:3:15: expire_after "soon" is not a duration; write one such as 15m, 4h, 1h30m or 7d',
    ]
    loaded = read(MINIMAL, {"fraud/_defaults.yaml": "version: 1\nowner: risk-opps\n"})
    assert said(loaded) == [
        'fraud/_defaults.yaml:2:8: owner "risk-opps" is not a team in people.yaml; did you mean "risk-ops"?'
    ]


def test_the_format_of_an_alert_cannot_be_inherited(read: Read) -> None:
    loaded = read(MINIMAL, {"fraud/_defaults.yaml": "version: 1\ncondition: amount > 1\nownr: x\n"})
    assert said(loaded) == [
        "fraud/_defaults.yaml:2:12: condition cannot be inherited; state it in each definition",
        'fraud/_defaults.yaml:3:1: unknown key "ownr"; did you mean "owner"?',
    ]


# --- problems, each with its place ------------------------------------------------------------------------------------

PROBLEMS = {
    "owner: risk-ops": ("owner: risk-opps", '8:8: owner "risk-opps" is not a team in people.yaml; did you mean "risk-ops"?'),
    "runbook:": ("runbok:", '9:1: unknown key "runbok"; did you mean "runbook"?'),
    "unit: USD": ("units: USD", '25:5: unknown key "units"; did you mean "unit"?'),
    "level: medium": ("level: medum", '37:13: severity.level "medum" is not one of critical, high, medium, low, info; did you mean "medium"?'),
    "trigger: materialization": ("trigger: materialised", '15:10: trigger "materialised" is not a trigger; write materialization, or {cron: "0 9 * * 1", timezone: UTC}'),
    "condition: amount": ("condition: amont", '16:12: "amont" is not a column of the model; did you mean "amount"?'),
    ":review_limit and": (":reviewlimit and", '16:21: ":reviewlimit" is not a parameter of this definition; did you mean "review_limit"?'),
    "model: transactions": ("model: transaction", '11:8: "transaction" is not a model of the dbt project; did you mean "transactions"?'),
    "status = 'pending'    #": ("created_at < now()  #", "16:52: now() reads a clock; use :as_of, which is the time of the evaluation"),
    "amount > :review_limit and": ("amount in (select 1) and", "16:19: a condition cannot read another relation; join it in dbt"),
    "when: deviance >= 3": ("when: devience >= 3", '36:25: "devience" is not a column of the model; did you mean "deviance"?'),
    "respond_within: 1d}": ("remind_every: 1d}", "37:5: severity medium has no time allowed (SLA); add respond_within, such as respond_within: 4h"),
    "runbooks/large": ("runbooks/larg", '9:10: runbook "docs/runbooks/larg_transaction.md" is not a file of this repository; write it'),
    "{{ customer_name }}": ("{{ customer_nam }}", '39:14: summary names "customer_nam", which is no column and no parameter; did you mean "customer_name"?'),
    "{{ transaction_id }}": ("{{ transaction_id.x }}", "41:52: link: a template may not look inside a value; select the column under a name of its own"),
    "amount: 15000": ("amout: 15000", '57:40: "amout" is not a column of the model; did you mean "amount"?'),
    "event: opened": ("event: open", '61:161: cases.steps.expect.event "open" is not one of pending, opened, reopened, updated, unchanged, calmed, relapsed, cleared, withdrawn, held, expired; did you mean "opened"?'),
    "[risk-lead]": ("[risk-leed]", '32:19: role "risk-leed" is not a role in people.yaml; did you mean "risk-lead"?'),
    '["#risk"]': ("[risk-mial]", '42:10: "risk-mial" is not a destination in destinations.yaml; did you mean "risk-mail"?'),
    "sheet: fraud_review": ("sheet: queue", '49:22: "queue" is not a sheet in destinations.yaml; add it there with channel: sheet'),
    "table: transaction_reviews": ("table: marts.transactions", '47:73: "marts.transactions" is not a table of schema operations, which alone may be written to; write a name in lower snake_case, such as transaction_reviews'),
    "write: {table: transaction_reviews": ("write: {table: fraud_review", '47:73: "fraud_review" is a sheet in destinations.yaml, and actions write to tables; name a table'),
    "key: [transaction_id]": ("key: [transaction_di]", '47:100: actions.approve.write.key "transaction_di" is not a column of the model; did you mean "transaction_id"?'),
    "expire_after: 7d": ("expire_after: 7 days", '20:15: expire_after "7 days" is not a duration; write one such as 15m, 4h, 1h30m or 7d'),
    "minimum: 100": ("minimum: 900000", "27:14: minimum 900000 is greater than maximum 250000; swap them"),
    "premium: 50000": ("premium: 5000000", "30:23: values.premium 5000000 is over the maximum of 250000; write a value within the bounds"),
    "emoji: 💳": ("title: x", '5:1: the key "title" stands twice, first in line 4; keep one of them'),
    "version: 1": ("version: 2", "2:10: version 2 is not known; write version: 1"),
    "alert: large": ("alert: Large", '3:8: alert "Large_transaction" is not a name; write lower snake_case, such as large_transaction'),
    "{value: amount, limit: review_limit, direction: above, as: ratio}": ('{value: ":as_of", limit: created_at, as: ratio}', '33:19: deviance.value ":as_of" is a time, and a ratio of times means nothing; add as: difference, which gives how late it is'),
    "deviance: {value: amount, limit: review_limit, direction: above, as: ratio}": ('deviance: {value: ":as_of", limit: created_at, as: difference}', "33:19: deviance grows with the clock, so update_when.deviance_changes_by 0.5 s edits every message at once; add update_when: {deviance_changes_by: 1d}, or an hour at the least"),
    "as: ratio": ("as: ratios", '33:70: deviance.as "ratios" is not one of ratio, difference; did you mean "ratio"?'),
    "limit: review_limit": ("limit: revue_limit", '33:34: deviance.limit "revue_limit" is no parameter and no column; did you mean "review_limit"?'),
    "by: segment": ("by: segmnt", '29:9: parameters.review_limit.by "segmnt" is not a column of the model; did you mean "segment"?'),
    "pause: null ": ("pause: {until: 2026-12-01} ", "51:9: reason is missing in pause; add reason: …"),
    "{area: fraud}": ("{area:fraud}", '10:10: "area:fraud" is one word, without a value; write a space after the colon: area: fraud'),
    "keep_firing_for: 0m": ("keep_firing_for:0m", '19:1: "keep_firing_for:0m" is no key with a value; write key: value, with a space after the colon'),
    "system: payments  ": ("system payments  ", '7:1: "system payments" is no key with a value; write key: value, with a space after the colon'),
    'notify: ["#risk"]': ("notify: [#risk]", '42:10: a # begins a comment here, so that the bracket before it is never closed; quote the name: "#channel"'),
    "occurred_at: created_at": ("occurred_at: amount", '14:14: occurred_at "amount" is a number, not a time; name a column that holds a time'),
    "worst_by: amount": ("worst_by: merchant", '13:11: worst_by "merchant" is a text, not a number or a time; name a column that holds a number or a time'),
    "> :review_limit": ("> {{ review_limit }}", "16:21: a condition is no template; write :name for a parameter, and a column's name alone"),
    "review_limit and": ("review_limit &&", "16:35: && is not SQL's word; write and"),
    "amount > :review": ("amount > (select avg(amount) from x) and amount > :review", "16:22: a condition cannot read another relation; join it in dbt"),
    "= 'pending'": ("= pending", "16:48: \"pending\" is not a column of the model; write 'pending' if it is a text; it has amount, created_at, customer_id, customer_name, loaded_at, merchant, segment, status, transaction_id, usual_amount"),
    'link: "https:': ('link: "javascript:', "41:7: link is not an http(s) address; begin it with https://, or {{ public_url }}"),
    "T06:00:00Z": ("T04:00:00Z", "59:5: the steps of a case go forward in time; sort them by at"),
    "renamed_from: null": ("renamed_from: large_transaction", '53:15: renamed_from "large_transaction" is its own name; rename that one, or remove renamed_from'),
}  # fmt: skip


@pytest.mark.parametrize("old", PROBLEMS)
def test_a_problem_names_its_place_what_is_wrong_and_the_remedy(read: Read, old: str) -> None:
    new, sentence = PROBLEMS[old]
    loaded = read(changed(old, new))
    assert said(loaded) == [f"{PATH}:{sentence}"]
    assert loaded.definitions == {}


@pytest.mark.parametrize(
    "written",
    ["NaN", ".inf", "-.inf", "Infinity", "1e400", "1e4", "0x10", "1_000", "010", "yes", "true", "1.", "+5", "٣"],
)
def test_a_hostile_number_is_refused_as_it_was_written(read: Read, written: str) -> None:
    [sentence] = said(read(changed("default: 10000", f"default: {written}")))
    assert sentence.startswith(f'{PATH}:26:14: default "{written}" is not a plain decimal number; write digits only')


@pytest.mark.parametrize("written", ["no", "on", "010", "1e400", "2026-01-01", "0x10"])
def test_a_text_keeps_its_spelling(read: Read, written: str) -> None:
    definition = read(changed("system: payments", f"system: {written}")).alerts["large_transaction"]
    assert definition.system == written


def test_all_errors_of_all_files_are_told_in_one_pass(read: Read) -> None:
    text = (
        changed("owner: risk-ops", "owner: nobody")
        .replace("amount >", "amont >")
        .replace("entity: transaction_id", "entity: id")
    )
    loaded = read(text, {"fraud/other.yaml": "alert: [", "people.yaml": PEOPLE + "x: 1\n", "routing.yaml": "a\n"})
    assert [sentence.split(": ")[0] for sentence in said(loaded)] == [
        "fraud/large_transaction.yaml:12:9", "fraud/large_transaction.yaml:16:12", "fraud/other.yaml:1:9",
        "people.yaml:8:1", "routing.yaml:1:1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "line", "column"),
    [
        ("condition: >-\n  amount > :review_limit\n  and statuss = 'x'", 18, 7),
        ("condition: |\n\n    amount > :review_limit\n      and statuss = 'x'", 19, 11),
        ("condition: \"amount > :review_limit\\n and statuss = 'x'\"", 16, 42),
        ("condition: 'amount > :review_limit and status = ''a'' and statuss = 1'", 16, 59),
        ("condition: amount > :review_limit\n  and statuss = 'x'", 17, 7),
        ("condition: \"amount > :review_limit\n\n   and statuss = 'x'\"", 18, 8),
        ("condition: \"amount > :review_limit \\\n   and \\u0073tatus = '💳' and statuss = 1\"", 17, 30),
    ],
)
def test_the_place_in_sql_is_that_of_the_file_however_the_text_is_quoted(
    read: Read, written: str, line: int, column: int
) -> None:
    text = changed("condition: amount > :review_limit and status = 'pending'    # no now() or current_date", written)
    [sentence] = said(read(text))
    assert sentence == f'{PATH}:{line}:{column}: "statuss" is not a column of the model; did you mean "status"?'


def test_what_must_be_stated_somewhere_is_missed_together(read: Read) -> None:
    sentences = said(read(MINIMAL, {"defaults.yaml": "version: 1\n"}))
    assert [sentence.split("; ")[0] for sentence in sentences] == [
        f"{PATH}:2:1: {key} is missing" for key in ("link", "owner", "runbook", "severity")
    ]


@pytest.mark.parametrize("key", ["hold_for", "path", "version_id", "name", "<<"])
def test_names_of_the_program_are_no_keys_of_the_format(read: Read, key: str) -> None:
    [sentence] = said(read(MINIMAL + f"{key}: 5m\n"))
    assert f':9:1: unknown key "{key}"' in sentence or f':9:7: unknown key "{key}"' in sentence


def test_several_rows_per_entity_need_worst_by(read: Read) -> None:
    text = MINIMAL.replace("entity: transaction_id", "entity: customer_id")
    assert said(read(text)) == [
        f"{PATH}:4:9: the model may have several rows per entity (customer_id); "
        "add worst_by: the column whose greatest value counts, or a unique test in dbt"
    ]
    assert said(read(text + "worst_by: amount\n")) == []


def test_two_files_with_one_name_are_both_refused(read: Read) -> None:
    loaded = read(MINIMAL, {"fraud/other.yaml": MINIMAL})
    assert loaded.definitions == {}
    assert said(loaded) == [
        f'{PATH}:2:8: the name "large_transaction" is also used by fraud/other.yaml; rename one of them',
        f'fraud/other.yaml:2:8: the name "large_transaction" is also used by {PATH}; rename one of them',
    ]


def test_a_bad_file_never_affects_another(read: Read) -> None:
    for text in ("", "a: [", "- x", "alert: other\nmodel: 3", "\t", "alert: &a [*a]"):
        loaded = read(MINIMAL, {"fraud/other.yaml": text})
        assert list(loaded.definitions) == ["large_transaction"]
        assert loaded.bad_files == {"fraud/other.yaml"}


def test_people_and_destinations_are_checked_too(read: Read) -> None:
    people = PEOPLE.replace("[ada, ben]", "[ada, benn]").replace("ada@example.com", "ada at home")
    loaded = read(MINIMAL, {"people.yaml": people})
    assert said(loaded) == [
        'people.yaml:3:34: people.ada.email "ada at home" is not a mail address; write one such as ada@example.com'
    ]
    loaded = read(MINIMAL, {"people.yaml": PEOPLE.replace("[ada, ben]", "[ada, benn]")})
    assert said(loaded) == ['people.yaml:6:29: "benn" is not a person in this file; did you mean "ben"?']


def test_sheet_with_a_list_per_value_needs_the_column_in_its_rows(tmp_path: Path) -> None:
    made = DefinitionFolder.make(tmp_path, COMPLETE)
    made.write("destinations.yaml", DESTINATIONS.replace("{channel: sheet}", "{channel: sheet, tab_by: customer_id}"))
    assert [message for message in said(made.load()) if "tab" in message or "list per" in message] == [
        f"{PATH}:49:22: the sheet has a list per customer_id, which the rows of this alert do not hold; "
        "add customer_id to fields"
    ]
    made.write("destinations.yaml", DESTINATIONS.replace("{channel: sheet}", "{channel: sheet, tab_by: segment}"))
    assert said(made.load()) == []


def test_destinations_are_checked_by_their_channel(read: Read) -> None:
    loaded = read(
        MINIMAL,
        {
            "destinations.yaml": "a: {channel: slak}\nb: {channel: slack}\nc: {channel: email, to: [x]}\n"
            "d: {channel: sheet, fil: x}\ne: 3\nf: {channel: slack, to: '#a', token: xoxb-1}\n"
            "g: {channel: slack, to: '#a', audience: engineers}\n\"#data-team\": {channel: slack}\n"
        },
    )
    assert said(loaded) == [
        'destinations.yaml:1:14: "slak" is not a channel; did you mean "slack"?',
        'destinations.yaml:2:1: destination "b" does not say where to; add to: …',
        'destinations.yaml:3:21: to "x" is not a mail address; write name@example.com',
        'destinations.yaml:4:21: unknown key "fil"; did you mean "file"?',
        'destinations.yaml:5:4: destination "e" is not a map; write {channel: slack, to: …}',
        "destinations.yaml:6:31: token looks like a secret, which must not stand in a file; "
        "name its variable: token_env: NAME",
        'destinations.yaml:7:41: audience "engineers" is not one of business, engineering; write one of them',
    ]


def test_the_destination_of_reports_takes_a_pace_and_no_recipients(read: Read) -> None:
    for entry, problem in (
        ("{channel: email, per_second: 50}", []),
        ("{channel: email, per_second: 0}", ["per_second: input should be greater than 0"]),
        ("{channel: email, to: [a@example.com]}", ['unknown key "to"']),
        ("{channel: slack}", ['"report mail" is where reports go, by email']),
    ):
        loaded = read(MINIMAL, {"destinations.yaml": f'"report mail": {entry}\n'})
        found = [each for each in said(loaded) if each.startswith("destinations.yaml")]
        assert len(found) == len(problem) and all(text in one for text, one in zip(problem, found, strict=True)), found


def test_a_fallback_that_reaches_no_engineer_is_noted(read: Read) -> None:
    loaded = read(MINIMAL, {"routing.yaml": "version: 1\nfallback: [risk-mail]\nroutes: [{destinations: [nobody]}]\n"})
    assert [str(problem) for problem in loaded.problems if problem.path == "routing.yaml"] == [
        "routing.yaml:2:1: note: no destination of the fallback is for engineers, so failures that no branch takes stay "
        "in the local inbox; add audience: engineering to one of them in destinations.yaml",
        'routing.yaml:3:26: "nobody" is not a destination in destinations.yaml; '
        "there are #data-team, #risk, fraud_review, queue, risk-mail",
    ]


def test_a_channel_that_is_nearly_one_of_the_file_is_noted(read: Read) -> None:
    loaded = read(changed('["#risk"]', '["#rsik"]'))
    assert said(loaded) == []
    note = f'{PATH}:42:10: note: "#rsik" is not in destinations.yaml; did you mean "#risk"?'
    assert note in [str(problem) for problem in loaded.problems]


def test_a_list_whose_items_are_refused_is_not_called_empty(read: Read) -> None:
    loaded = read(None, {"defaults.yaml": DEFAULTS.replace("1d}", "1}")})
    assert [problem.split("; ")[0] for problem in said(loaded)] == [
        'defaults.yaml:5:44: severity.respond_within "1" is not a duration'
    ]


def test_labels_of_a_file_with_an_error_are_known_to_the_routing_tree(read: Read) -> None:
    loaded = read(changed("owner: risk-ops", "owner: nobody"))
    assert [str(problem) for problem in loaded.problems if problem.path == "routing.yaml"] == []


def test_a_table_outside_its_schema_is_refused_before_anything_is_sent(read: Read) -> None:
    text = '"#data-team": {channel: slack, audience: engineering}\nq: {channel: table, table: public.queue}\n'
    found = [problem for problem in said(read(MINIMAL, {"destinations.yaml": text})) if problem.startswith("dest")]
    assert found == [
        'destinations.yaml:2:28: table "public.queue" is not accepted; '
        "write a table of schema operations, such as operations.review_queue"
    ]


def test_without_the_files_around_it_a_definition_is_still_read(tmp_path: Path) -> None:
    folder = tmp_path / "alert_definitions"
    folder.mkdir()
    (folder / "one.yaml").write_text(COMPLETE)
    (tmp_path / "docs/runbooks").mkdir(parents=True)
    (tmp_path / "docs/runbooks/large_transaction.md").write_text("x")
    loaded = load(folder, CATALOG)
    assert said(loaded) == []
    assert loaded.routing.fallback[0] in loaded.destinations


def test_without_a_catalog_columns_are_not_checked(tmp_path: Path) -> None:
    made = DefinitionFolder.make(tmp_path, MINIMAL.replace("amount >", "anything >"))
    assert said(made.load(None)) == []


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AlertingError, match="is not a folder; point ALERTING_DEFINITIONS"):
        load(tmp_path / "nothing", Catalog())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (DATA.replace("kind: data\n", ""), "6:1: expectations belongs to a data definition, and the file does not say that it is one; add kind: data"),
        (REPORT.replace("report: weekly_account_summary\n", ""), "6:1: to_column belongs to a report, and the file does not say that it is one; write report: name"),
        (REPORT.replace("report:", "alert:"), "7:1: to_column belongs to a report, and the file does not say that it is one; write report: in place of alert:"),
    ],
)  # fmt: skip
def test_a_forgotten_kind_is_one_error_that_names_it(read: Read, text: str, sentence: str) -> None:
    first = sentence.split(" ")[1]
    said_of = [each for each in said(read(text)) if "/" in each]
    assert len(said_of) == 1 and first in said_of[0] and said_of[0].endswith(sentence.split(": ", 1)[1]), said_of
