"""A request for a new alert: the file exactly as it would be written, who asked, and who may approve it.

An approval is of one text and no other. The hash is over the name, the path, the text and the version of the
definition with everything that it inherits; so a file that reads the same, and means something else because a default
changed meanwhile, is not what was approved. All instants are business instants.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerting_pipeline.domain.change_request import Status
from alerting_pipeline.domain.version_history import differences

_MOST = 3  # differing keys that a sentence names


@dataclass(frozen=True, slots=True)
class NewFile:
    """A definition file that is not there yet. `definition` is what it says, with what it inherits."""

    alert: str
    path: str
    text: str
    version: str
    definition: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """The same for exactly the same file with the same meaning."""
        said = "\n".join((self.alert, self.path, self.version, self.text))  # only the text, the last, has line breaks
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def owner(self) -> str:
        """The team that would answer for it."""
        return str(self.definition.get("owner") or "")


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """A new alert that somebody asked for. `commit` is the one that wrote it."""

    file: NewFile
    requested_by: str
    reason: str
    requested_at: datetime
    expires_at: datetime
    approvers: tuple[str, ...]
    draft_hash: str
    impact: Mapping[str, Any] | None = None
    status: Status = "open"
    decided_by: str | None = None
    decided_at: datetime | None = None
    answer: str | None = None
    commit: str | None = None
    request_id: int = 0


def changed_meaning(asked: NewFile, now: NewFile) -> str | None:
    """Why the same text is not the same alert any more; None while it is."""
    if asked.version == now.version:
        return None
    found = differences(dict(asked.definition), dict(now.definition))
    named = ", ".join(each.key for each in found[:_MOST])
    return f"what it inherits changed meanwhile ({named or 'its defaults'}), so it is another alert than the one shown"
