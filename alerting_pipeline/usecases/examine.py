"""`alerting doctor`: asks every part how it is. A part that fails to answer is a finding, not the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from alerting_pipeline.domain.errors import AlertingError


class Health(StrEnum):
    """How a part is: fine, worth knowing, or not working."""

    FINE = "fine"
    NOTE = "note"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one part answered, in a sentence; `remedy` says what to do where something is to be done."""

    part: str
    health: Health
    says: str
    remedy: str = ""


Check = Callable[[], tuple[Health, str, str]]


def examine(checks: Mapping[str, Check]) -> list[Finding]:
    """Run the checks in order. A check returns health, sentence and remedy, or raises AlertingError."""
    findings = []
    for part, check in checks.items():
        try:
            findings.append(Finding(part, *check()))
        except AlertingError as error:
            findings.append(Finding(part, Health.FAILURE, str(error)))
    return findings
