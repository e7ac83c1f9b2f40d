"""What putting files into force would change: pure, so that it can be shown before it is done.

A bad file changes nothing: whatever was in force under its path or name stays. A definition is removed only when its
file is gone and no other file carries its name, or says that it was renamed from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alerting_pipeline.domain.definition import Definition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.loaded import Loaded
from alerting_pipeline.domain.system_definitions import SystemFinding

DEFINITION_FILE = "definition_file"
"""The built-in system definition that bad files are told by."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Stored:
    """What the ledger has in force under a name."""

    version: str
    path: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file comes from: the commit that was checked out, and who changed it last there.

    Not `is_committed`: the file differed from that commit, and the author is whoever put it into force.
    """

    revision: str | None = None
    author: str | None = None
    is_committed: bool = True


@dataclass(frozen=True, slots=True)
class Publication:
    """The difference between the files and what is in force. `kept` are names whose file is bad or was not read."""

    changed: tuple[Definition, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: Mapping[str, str]
    kept: tuple[str, ...]
    findings: tuple[SystemFinding, ...]

    @property
    def is_empty(self) -> bool:
        """Would nothing at all be written?"""
        return not (self.changed or self.removed or self.findings)


def plan(loaded: Loaded, stored: Mapping[str, Stored]) -> Publication:
    """Compare files with what is in force. Raises AlertingError where the folder holds no file but much is in force."""
    if stored and not loaded.files:
        raise AlertingError(
            f"the folder of definitions is empty although {len(stored)} are in force; "
            "point ALERTING_DEFINITIONS to the right folder, or remove the definitions one by one"
        )
    definitions = loaded.definitions
    bad = loaded.bad_files
    named = {file.name for file in loaded.files if file.name is not None}
    renamed = {
        name: earlier
        for name, definition in definitions.items()
        if (earlier := getattr(definition, "renamed_from", None)) is not None and earlier in stored
    }
    missing = [name for name in stored if name not in definitions]
    kept = tuple(name for name in missing if name in named or stored[name].path in bad)
    changed, unchanged = [], []
    for name, definition in definitions.items():
        is_same = name in stored and stored[name] == Stored(definition.version_id, definition.path)
        if is_same:
            unchanged.append(name)
        else:
            changed.append(definition)
    return Publication(
        changed=tuple(changed),
        unchanged=tuple(unchanged),
        removed=tuple(sorted(set(missing) - set(kept))),
        renamed=renamed,
        kept=kept,
        findings=tuple(_finding(loaded, path, kept, stored) for path in sorted(bad)),
    )


def _finding(loaded: Loaded, path: str, kept: tuple[str, ...], stored: Mapping[str, Stored]) -> SystemFinding:
    problems = [str(problem) for problem in loaded.errors if problem.path == path]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    names = {file.name for file in loaded.files if file.path == path}
    still = [name for name in kept if name in names or stored[name].path == path]
    force = f" The last good version of {', '.join(still)} stays in force." if still else ""
    return SystemFinding(
        alert=DEFINITION_FILE,
        entity={"file": path},
        summary=f"{problems[0]}{more}.{force}",
        detail={"problems": problems[:_SHOWN]},
    )
