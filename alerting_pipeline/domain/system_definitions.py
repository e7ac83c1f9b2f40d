"""The definitions that are built in: what goes wrong with the alerting itself, told to those who look after it.

A system incident never reaches the recipients of business alerts: it has kind `system`, its own owner, and its own
branch in the routing tree. Whoever notices such a thing makes a `SystemFinding`; the store opens or clears its
incident through the same lifecycle, in the finder's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.event import Terms, Violated
from alerting_pipeline.domain.incident import Kind, fingerprint
from alerting_pipeline.domain.noise_budget import NOISE_BUDGET
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.severity import Level, SeverityLevel
from alerting_pipeline.domain.team_terms import with_team
from alerting_pipeline.domain.warehouse_error import WarehouseUnreachable

DEFAULT_OWNER = "data-team"
VERSION = "built-in"


@dataclass(frozen=True, slots=True)
class SystemDefinition:
    """A built-in definition, with the attributes of an alert definition that routing and messages read."""

    alert: str
    title: str
    description: str
    level: Level
    respond_within: timedelta
    remind_every: timedelta | None = None
    notify: tuple[str, ...] = ()
    emoji: str = "🛠️"
    system: str = "alerting-pipeline"
    owner: str = DEFAULT_OWNER
    runbook: str = "docs/operations.md"
    labels: Mapping[str, str] = field(default_factory=lambda: {"area": "alerting"})
    kind: Kind = Kind.SYSTEM

    @property
    def severity(self) -> tuple[SeverityLevel, ...]:
        """The one level that it has, in the form that an alert definition has it."""
        return (SeverityLevel(level=self.level, respond_within=self.respond_within, remind_every=self.remind_every),)

    def terms(self, people: People) -> Terms:
        """What the lifecycle needs of it, and of the team that answers for it."""
        bare = Terms(
            alert=self.alert,
            version=VERSION,
            owner=self.owner,
            kind=self.kind,
            labels=self.labels,
            respond_within={self.level: self.respond_within},
            remind_every={self.level: self.remind_every},
        )
        return with_team(bare, people)


@dataclass(frozen=True, slots=True)
class SystemFinding:
    """Something that is wrong with the alerting itself.

    `alert` names a built-in definition; `entity` says what it is about (the dedupe key: one open incident for each);
    `detail` is kept with the incident. Texts must not hold values of data or secrets. `owner` is the team that answers
    for this one, where that is another than the definition says.
    """

    alert: str
    entity: Mapping[str, str]
    summary: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None


WRITE_BACK_HALTED = "write_back_halted"
PART_STOPPED, OVERDUE_EVALUATION = "part_stopped", "overdue_evaluation"
_DAY = timedelta(days=1)
SYSTEM_DEFINITIONS: Mapping[str, SystemDefinition] = {
    definition.alert: definition
    for definition in (
        SystemDefinition(
            "definition_file",
            "Definition file is not in force",
            "A definition file has an error; its last good version stays in force until it is corrected.",
            "medium",
            _DAY,
        ),
        SystemDefinition(
            "evaluation_error",
            "Alert could not be evaluated",
            "The query of an alert definition failed; its incidents are held, neither raised nor cleared.",
            "high",
            timedelta(hours=4),
        ),
        SystemDefinition(
            "dead_letter",
            "Message could not be delivered",
            "A destination refused a message for good; `alerting outbox retry` sends it again.",
            "high",
            timedelta(hours=4),
        ),
        SystemDefinition(
            WRITE_BACK_HALTED,
            "Rows wait for approval",
            "One run has more rows for a sheet, table or file than it takes at once; none of them is written. "
            "`alerting write-back` shows them, and lets somebody approve or reject them.",
            "high",
            timedelta(hours=4),
        ),
        SystemDefinition(
            "load_failure",
            "Source file could not be loaded",
            "A file that arrived was refused; what was loaded before stays in force.",
            "high",
            timedelta(hours=4),
        ),
        SystemDefinition(
            "source_schema",
            "Columns of a source have changed",
            "Files came with columns that the source does not declare, or without some that it does. New ones are kept "
            "as text, missing ones are empty: see whether what is built from them still means the same.",
            "medium",
            _DAY,
            emoji="🧪",
            system="sources",
            labels={"area": "data"},
            kind=Kind.DATA,
        ),
        SystemDefinition(
            "run_failure",
            "Run failed",
            "A run of the pipeline failed; alerts on the models it did not build are not evaluated.",
            "high",
            timedelta(hours=4),
        ),
        SystemDefinition(
            "data_test",
            "Data test failed",
            "A dbt test of a model fails; the business alerts on what is built from it are held until it passes.",
            "high",
            timedelta(hours=4),
            emoji="🧪",
            system="dbt",
            runbook="docs/how-to/health.md",
            labels={"area": "data"},
            kind=Kind.DATA,
        ),
        SystemDefinition(
            "model_failure",
            "Model could not be built",
            "dbt could not build a model; what stands on it is as old as its last build, and its alerts are held.",
            "high",
            timedelta(hours=4),
            system="dbt",
            runbook="docs/how-to/health.md",
        ),
        SystemDefinition(
            PART_STOPPED,
            "Part is not heard of any more",
            "A worker, sensor, schedule or the pages ended, or hang; what they do is not done until they run again.",
            "high",
            timedelta(hours=4),
        ),
        SystemDefinition(
            OVERDUE_EVALUATION,
            "Alert is not evaluated any more",
            "An alert's schedule came twice, or its mart was built, and nothing evaluated it; it would tell nothing.",
            "high",
            timedelta(hours=4),
        ),
        SystemDefinition(
            NOISE_BUDGET,
            "Noise budget is used up",
            "Alerts had more to say to somebody than they want to hear; the rest comes in their digest. Calibrate the "
            "alerts named here; it ends when a week stays within the budget.",
            "low",
            timedelta(days=7),
        ),
        SystemDefinition(
            "report_failure",
            "Report could not be sent",
            "The query of a report failed; its messages are written once it works, while their window is current.",
            "high",
            timedelta(hours=4),
        ),
        SystemDefinition(
            "report_rows_skipped",
            "Rows of a report were not sent",
            "Some rows have no usable address, stand twice, or have values that their texts can't be filled in with.",
            "medium",
            _DAY,
        ),
    )
}


def system_definition(alert: str) -> SystemDefinition:
    """The built-in definition of that name."""
    try:
        return SYSTEM_DEFINITIONS[alert]
    except KeyError:
        known = ", ".join(SYSTEM_DEFINITIONS)
        raise AlertingError(f'There is no system definition "{alert}"; there are {known}.') from None


def found(finding: SystemFinding, people: People, built_in: Mapping[str, SystemDefinition]) -> Violated:
    """The finding as an event of the lifecycle. `built_in` are the built-in definitions as they are in force."""
    definition = built_in.get(finding.alert) or system_definition(finding.alert)
    if finding.owner is not None:
        definition = replace(definition, owner=finding.owner)
    return Violated(
        terms=definition.terms(people),
        fingerprint=fingerprint(finding.alert, finding.entity),
        entity=finding.entity,
        severity=definition.level,
        summary=finding.summary,
        fields=dict(finding.detail),
    )


EVALUATION_ERROR = "evaluation_error"


def evaluation_findings(
    errors: Mapping[str, AlertingError], untold: Mapping[str, str], versions: Mapping[str, str]
) -> list[SystemFinding]:
    """What evaluations that failed have to say, by alert; `untold` are templates that could not be filled in.

    A warehouse that can't be reached is one finding, however many alerts wait for it. Texts are a finding of their own
    about the version that has them: that an evaluation after it went well doesn't say that they can be filled in now.
    """
    lost = [error for error in errors.values() if isinstance(error, WarehouseUnreachable)]
    findings = []
    if lost:
        what = "1 alert was" if len(lost) == 1 else f"{len(lost)} alerts were"
        findings = [SystemFinding(EVALUATION_ERROR, {"warehouse": "reader"}, f"{what} not evaluated: {lost[0]}")]
    said = {alert: str(error) for alert, error in errors.items() if not isinstance(error, WarehouseUnreachable)}
    findings += [
        SystemFinding(EVALUATION_ERROR, {"alert": alert}, f"{alert} could not be evaluated: {sentence}")
        for alert, sentence in said.items()
    ]
    findings += [
        SystemFinding(
            EVALUATION_ERROR, {"alert": alert, "texts": versions[alert]}, f"{alert} can't say what it found: {wrong}"
        )
        for alert, wrong in untold.items()
    ]
    return findings


def is_over(about: Mapping[str, str], versions: Mapping[str, str], described: Collection[str]) -> bool:
    """Has an evaluation shown that an evaluation error, known by its entity, is over?

    `versions` are the alerts that were judged, `described` are those of them whose texts were filled in.
    """
    if "warehouse" in about:
        return bool(versions)
    alert, texts = about["alert"], about.get("texts")
    return alert in versions and (texts is None or texts != versions[alert] or alert in described)
