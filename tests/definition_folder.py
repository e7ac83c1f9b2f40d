"""A folder of definitions for tests: a hand-made catalog, good files, and a way to change one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.loaded import Loaded

TRANSACTIONS = Model(
    name="transactions",
    unique_id="model.shop.transactions",
    relation="marts.transactions",
    columns={
        "transaction_id": "text",
        "customer_id": "text",
        "customer_name": "text",
        "segment": "text",
        "merchant": "text",
        "amount": "numeric",
        "usual_amount": "numeric",
        "status": "text",
        "created_at": "timestamp with time zone",
        "loaded_at": "timestamp with time zone",
    },
    unique_keys=(frozenset({"transaction_id"}),),
    meta={"alerting": {"watermark": "loaded_at", "system": "payments"}},
    path="models/marts/fraud/_models.yml",
)
CUSTOMERS = Model(
    name="customers",
    unique_id="model.shop.customers",
    relation="marts.customers",
    columns={"customer_id": "text", "customer_name": "text", "country": "text", "owner_email": "text"},
    unique_keys=(frozenset({"customer_id"}),),
)
STAGED = Model(name="stg_payments", unique_id="model.shop.stg_payments", relation="staging.stg_payments", is_mart=False)
CATALOG = Catalog({model.name: model for model in (TRANSACTIONS, CUSTOMERS, STAGED)})

MINIMAL = """\
version: 1
alert: large_transaction
model: transactions
entity: transaction_id
occurred_at: created_at
condition: amount > :review_limit and status = 'pending'
parameters: {review_limit: {default: 10000, minimum: 100, maximum: 250000}}
summary: "{{ customer_name }}: {{ amount | money }} is over the limit of {{ review_limit | money }}"
"""

COMPLETE = """\
# yaml-language-server: $schema=../definition.schema.json
version: 1
alert: large_transaction
title: Large transaction
emoji: 💳
description: A card transaction above the review limit of its customer segment.
system: payments                        # system of origin
owner: risk-ops                         # a team in people.yaml
runbook: docs/runbooks/large_transaction.md
labels: {area: fraud}                   # routing, silences and inhibition match on labels
model: transactions                     # a dbt mart
entity: transaction_id                  # one incident per value; a list is allowed
worst_by: amount                        # needed where the model may have several rows per entity
occurred_at: created_at                 # event-like models: window, watermark, backtest
trigger: materialization                # default; or {cron: "0 9 * * 1", timezone: Europe/Berlin}
condition: amount > :review_limit and status = 'pending'    # no now() or current_date
clear_when: status <> 'pending'         # default: the condition is false
for: 0m                                 # must hold this long before it fires
keep_firing_for: 0m
expire_after: 7d                        # one-off events
on_empty: clear                         # default; or no_data: an empty model is a data failure
parameters:
  review_limit:
    type: number                        # number | integer | duration | text | boolean | choice | list
    unit: USD
    default: 10000
    minimum: 100
    maximum: 250000
    by: segment                         # a column; precedence entity, segment, default
    values: {premium: 50000}
    changed_by: [risk-analyst]          # roles
    approved_by: [risk-lead]            # four eyes; leave out for none
deviance: {value: amount, limit: review_limit, direction: above, as: ratio}
severity:                               # SQL, in the same scan; first that holds
  - {level: critical, when: deviance >= 10, respond_within: 1h, remind_every: 1h}
  - {level: high, when: deviance >= 3, respond_within: 4h, remind_every: 4h}
  - {level: medium, respond_within: 1d}
update_when: {deviance_changes_by: 0.5} # a material change edits the message; anything less is silent
summary: "{{ customer_name }}: {{ amount | money }} is over the limit of {{ review_limit | money }}"
fields: [merchant, segment, created_at]
link: "https://backoffice.example.com/transactions/{{ transaction_id }}"
notify: ["#risk"]                       # destinations beside those of the routing tree
group_by: []                            # e.g. [segment]: one message per value; digest: daily
baseline: alert                         # or silent: what is already there at the first evaluation is taken as known
expected_per_week: 3
actions:
  approve: {label: Approve, disposition: false_positive, write: {table: transaction_reviews, key: [transaction_id], values: {decision: approved}}}
  deny: {label: Deny, roles: [risk-analyst], disposition: true_positive, write: {table: transaction_reviews, key: [transaction_id], values: {decision: denied}}}
write_back: [{sheet: fraud_review}]     # one row per incident, kept up to date
automation: {rung: notify}              # notify | ticket | act
pause: null                             # {until: 2026-12-01, reason: …}
visible_to: []                          # teams; empty: everybody who may sign in
renamed_from: null                      # keeps the incidents
cases:
  - name: above the limit fires, with the deviance
    at: 2026-01-05T05:00:00Z
    rows: [{transaction_id: t1, amount: 15000, segment: retail, status: pending, created_at: 2026-01-05T04:22:00Z, customer_name: Ada}]
    expect: [{entity: t1, severity: medium, deviance: 1.5}]
  - name: settled later clears it        # a case may be a timeline of evaluations
    steps:
      - {at: 2026-01-05T05:00:00Z, rows: [{transaction_id: t2, amount: 15000, status: pending, created_at: 2026-01-05T04:22:00Z}], expect: [{entity: t2, event: opened}]}
      - {at: 2026-01-05T06:00:00Z, rows: [{transaction_id: t2, amount: 15000, status: settled, created_at: 2026-01-05T04:22:00Z}], expect: [{entity: t2, event: cleared}]}
"""  # noqa: E501  # the example of the interface, as it is given to people

DATA = """\
version: 1
alert: transactions_complete
kind: data
owner: risk-ops
model: transactions
freshness: {within: 6h, column: loaded_at}
expectations:                           # Great Expectations, by its own names
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_table_row_count_to_be_between: {min_value: 1}
"""

REPORT = """\
version: 1
report: weekly_account_summary
owner: risk-ops
model: customers
entity: customer_id
trigger: {cron: "0 8 * * 1", timezone: Europe/Berlin}
to_column: owner_email
subject: "{{ customer_name }}: your week"
template: reports/weekly_account_summary.html
"""

PEOPLE = """\
version: 1
people:
  ada: {name: Ada Okafor, email: ada@example.com, slack: U0000ADA, roles: [risk-analyst]}
  ben: {name: Ben Lindqvist, email: ben@example.com, roles: [risk-lead], budget: 5 per week}
teams:
  risk-ops: {members: [ada, ben]}
  data-team: {members: [ben]}
"""

DESTINATIONS = """\
version: 1
destinations:
  "#risk": {channel: slack}
  "#data-team": {channel: slack, audience: engineering}
  risk-mail: {channel: email, to: [risk@example.com]}
  fraud_review: {channel: sheet}
  queue: {channel: table, table: operations.queue}
"""

ROUTING = """\
version: 1
fallback: ["#data-team"]
routes:
  - name: fraud
    match: {labels: {area: fraud}}
    destinations: ["#risk"]
    children:
      - {name: severe, match: {severity: [critical, high]}, destinations: ["#risk", risk-mail]}
"""

DEFAULTS = """\
version: 1
owner: risk-ops
runbook: docs/runbooks/large_transaction.md
link: "https://backoffice.example.com/{{ alert }}"
severity: [{level: medium, respond_within: 1d}]
"""


@dataclass(frozen=True)
class DefinitionFolder:
    """A project in a temporary folder, with the files above and a runbook."""

    project: Path

    @property
    def folder(self) -> Path:
        return self.project / "alert_definitions"

    @classmethod
    def make(cls, project: Path, definition: str | None = MINIMAL) -> DefinitionFolder:
        made = cls(project)
        files = {
            "people.yaml": PEOPLE,
            "destinations.yaml": DESTINATIONS,
            "routing.yaml": ROUTING,
            "defaults.yaml": DEFAULTS,
            "reports/weekly_account_summary.html": "<p></p>",
            "../docs/runbooks/large_transaction.md": "# What to do",
            "../docs/runbooks/transactions.md": "# What to do",  # which the real mart names in its meta.alerting
        }
        for path, content in files.items():
            made.write(path, content)
        if definition is not None:
            made.write("fraud/large_transaction.yaml", definition)
        return made

    def write(self, path: str, content: str | bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def load(self, catalog: Catalog | None = CATALOG) -> Loaded:
        return load(self.folder, catalog)
