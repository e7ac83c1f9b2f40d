"""What a file may say already although nothing acts on it yet: the one list, for the notes of `alerting validate`.

A pause stands here, too: that a definition is deliberately not in force must be seen wherever files are checked.
Whoever brings one of these to life removes its line here, in the same change.
"""

from __future__ import annotations

from collections.abc import Iterator

from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.problem import NOTE, Finding


def in_definition(definition: Definition) -> Iterator[Finding]:
    """What a definition says that is not in force yet."""
    if (pause := definition.pause) is not None:
        what = f"paused until {pause.until}: {pause.reason}"
        yield Finding(("pause",), what, "it is neither evaluated nor told before that day", severity="note", code=NOTE)
    if definition.visible_to:
        yield _note(("visible_to",), "visible_to is not in force yet")
    if isinstance(definition, AlertDefinition):
        yield from _in_alert(definition)


def _in_alert(definition: AlertDefinition) -> Iterator[Finding]:
    said = {
        "automation": definition.automation.rung != "notify",
    }
    for key, is_said in said.items():
        if is_said:
            yield _note((key,), f"{key} is not in force yet")
    if definition.actions:
        what, how = "buttons are not shown in messages yet", "`alerting incidents act` does what they say"
        yield Finding(("actions",), what, how, severity="note", code=NOTE)


def _note(at: tuple[str | int, ...], what: str) -> Finding:
    return Finding(at, what, "what it says is checked, and has no effect until then", severity="note", code=NOTE)
