"""Read a parameter sheet: what people typed there is asked for on the way of any change, and answered beside it.

What is asked for is in the ledger before anything is answered. The answer is no message: the cells show what the ledger
says at each reading, so one that was lost with its process is written by the next, and nobody is told twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerting_pipeline.domain.change_ports import Proposal, Rules, Tuned
from alerting_pipeline.domain.change_request import Key, Request, holders
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.parameter_sheet import (
    ANSWER,
    IN_FORCE,
    Answered,
    Cells,
    Noted,
    ParameterSheet,
    SheetRow,
    Typed,
    answer_of,
    written_for,
)
from alerting_pipeline.domain.parameters import Parameter

Propose = Callable[[Proposal, Typed | None], Tuned]
"""Ask for a change as anybody does; None: only try it, and keep nothing."""
Lines = Callable[[], Mapping[Key, Cells]]
"""Which rows the sheet has to have, with what is in force."""

_LONGEST_KEPT = 600


class SheetLedger(Protocol):
    """Where it is noted what rows became."""

    def noted(self, sheet: str) -> Mapping[Key, Noted]: ...

    def refuse(self, typed: Typed, sentence: str) -> None: ...

    def close(self, sheet: str, keys: Sequence[Key]) -> None: ...


@dataclass(frozen=True, slots=True)
class SheetReader:
    """One sheet and the rules by which it asks. `alerts` empty: of all alerts."""

    sheet: ParameterSheet
    ledger: SheetLedger
    rules: Rules
    propose: Propose
    lines: Lines
    now: datetime
    alerts: tuple[str, ...] = ()
    without_approval: bool = False

    def read(self, *, is_dry_run: bool = False) -> list[Answered]:
        """Ask for what is new, and answer all. Raises SheetUnusable; what was asked for by then stays asked for."""
        rows, noted = self.sheet.rows(), self.ledger.noted(self.sheet.name)
        typed = [row for row in rows if row.is_typed]
        twice = {key for key, count in Counter(row.key for row in rows).items() if key is not None and count > 1}
        done = [self._take(row, noted, twice, is_dry_run=is_dry_run) for row in typed]
        if not is_dry_run:
            asking = {row.key for row in typed}
            if emptied := [key for key in noted if key not in asking]:
                self.ledger.close(self.sheet.name, emptied)
            self.write({(each.key, each.row): each.answer for each in done})
        return done

    def write(self, said: Mapping[tuple[Key | None, int], str] | None = None) -> int:
        """Bring what is in force and the answers up to date; rows typed meanwhile stay until they are read."""
        lines, noted = self.lines(), self.ledger.noted(self.sheet.name)
        said = said or {}

        def cells_of(row: SheetRow) -> Cells:
            answer = ""
            if row.is_typed:
                known = noted.get(row.key) if row.key is not None else None
                if known is not None and known.content_hash == row.content_hash:
                    answer = self._answer(known)
                elif (row.key, row.number) in said:
                    answer = said[row.key, row.number]
                    if row.key is not None and not answer.startswith("refused"):
                        return {ANSWER: answer}  # half typed: it asks by what it shows
                else:
                    return {}
            return {**(lines.get(row.key, {IN_FORCE: ""}) if row.key is not None else {}), ANSWER: answer}

        return self.sheet.rewrite(cells_of, lines)

    def _take(
        self, row: SheetRow, noted: Mapping[Key, Noted], twice: set[Key], *, is_dry_run: bool
    ) -> Answered:  # fmt: skip
        if row.key is None:
            return Answered(None, row.number, f"refused: {row.wrong}")
        known = noted.get(row.key)
        if known is not None and known.content_hash == row.content_hash:
            number = known.request.request_id if known.request is not None else None
            return Answered(row.key, row.number, self._answer(known), request_id=number)
        if row.key in twice:
            return Answered(row.key, row.number, f"refused: the row of {row.key} stands twice; delete one of them")
        if not row.wrong and not (row.reason and row.person):
            lacks = " and ".join(
                word for word, is_there in (("a reason", row.reason), ("your name", row.person)) if not is_there
            )
            return Answered(row.key, row.number, f"not asked for yet: write {lacks} beside it")
        return self._ask(row, row.key, is_dry_run=is_dry_run)

    def _ask(self, row: SheetRow, key: Key, *, is_dry_run: bool) -> Answered:
        typed = Typed(self.sheet.name, key, row.content_hash, row.person, str(row.written)[:_LONGEST_KEPT])
        try:
            proposal = self._proposal(row, key)
            done = self.propose(proposal, None if is_dry_run else typed)
        except AlertingError as error:
            sentence = str(error).replace("\0", "")
            if not is_dry_run:
                self.ledger.refuse(typed, sentence)
            return Answered(key, row.number, f"refused: {sentence}", is_new=True)
        facts = {"old": done.request.change.old, "new": done.request.change.new, "impact": done.impact}
        if is_dry_run:
            who = f"wait for approval by {' or '.join(done.waits_for)}" if done.waits_for else "need no approval"
            return Answered(key, row.number, f"would {who}", is_new=True, facts=facts)
        answer = self._answer(Noted(row.content_hash, request=done.request))
        return Answered(key, row.number, answer, is_new=True, request_id=done.request.request_id, facts=facts)

    def _proposal(self, row: SheetRow, key: Key) -> Proposal:
        if row.wrong or row.written is None:
            raise BadCall(row.wrong)
        if self.alerts and key.alert not in self.alerts:
            raise BadCall(f"the sheet {self.sheet.name} is not for {key.alert}; it is for {', '.join(self.alerts)}")
        parameter = self._parameter(key)
        if parameter is None:
            raise BadCall(f"{key.alert} has no parameter {key.parameter} that is in force; delete the row")
        if not parameter.approved_by and not self.without_approval:
            raise AlertingError(
                f"{key} needs nobody's approval, and anybody can type a name in a sheet; change it with "
                f"`alerting parameters propose`, or say without_approval: true for {self.sheet.name} in "
                "destinations.yaml."
            )
        written = written_for(parameter, key, row.written)
        expected = row.shown if row.shown and key.scope != "entry" and parameter.type != "list" else None
        return Proposal(key, written, row.person, row.reason, expected=expected)

    def _answer(self, noted: Noted) -> str:
        return answer_of(noted, self._waits_for)

    def _waits_for(self, request: Request) -> list[str]:
        parameter = self._parameter(request.change.key)
        roles = parameter.approved_by if parameter is not None and parameter.approved_by else request.approvers
        return [each for each in holders(roles, self.rules.people, self.now) if each != request.requested_by]

    def _parameter(self, key: Key) -> Parameter | None:
        definition = self.rules.definitions.get(key.alert)
        parameters: Mapping[str, Any] = getattr(definition, "parameters", {})
        return parameters.get(key.parameter)
