"""Change a parameter: ask for it, decide on it, take it back, and let it go when its time is over.

Every way in (command line, sheet, button) comes through here: the value is read by the parameter's own rules, who may
is asked on our side, and the change, its place in history, its entry in the audit log and what people are told are one
transaction. Nobody approves what they asked for themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerting_pipeline.domain.change_ports import Book, Impact, Proposal, Requests, Rules, Tuned
from alerting_pipeline.domain.change_request import (
    EXPIRES_AFTER,
    Change,
    Held,
    Key,
    Request,
    check_reason,
    check_role,
    check_scope,
    check_window,
    covering,
    entry_change,
    holders,
    inexactness,
    obstacle,
    same,
    shown,
    standing_value,
)
from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.list_entry import LEFT_OUT
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.rendering import change_message


@dataclass(frozen=True, slots=True)
class Tuning:
    """Changes parameters, by the rules in force at the business instant `now`."""

    book: Book
    rules: Rules
    now: datetime
    impact: Impact | None = None

    def propose(self, proposal: Proposal, *, is_dry_run: bool = False) -> Tuned:
        """Ask for a change; it is in force at once where the definition asks for no approval.

        Raises BadCall for what can't be meant, AlertingError for a person who may not, or a value that another one
        changed meanwhile. A dry run shows the same and keeps nothing.
        """
        parameter = self.parameter(proposal.key)
        check_scope(proposal.key, parameter)
        check_role(proposal.person, parameter.changed_by, self.rules.people, self.now, f"change {proposal.key}")
        new = self._new(parameter, proposal)
        check_reason(proposal.reason, "it is kept with the change, and shown to whoever approves it")
        with self.book.begin(proposal.key.alert) as requests:
            change = self._change(requests, parameter, proposal, new)
            return self._ask(requests, parameter, change, proposal, None, is_dry_run=is_dry_run)

    def revert(self, key: Key, person: str, reason: str) -> Tuned:
        """Ask for what held before the newest change of a value; a planned one is taken back before it begins.

        It is a change as any other: where the definition asks for approval, this one needs it too.
        """
        parameter = self.parameter(key)
        check_role(person, parameter.changed_by, self.rules.people, self.now, f"change {key}")
        if reason:
            check_reason(reason, "it is kept with the change")
        with self.book.begin(key.alert) as requests:
            changed = [each for each in requests.timeline(key, self.now) if each.request_id is not None]
            if not changed:
                raise AlertingError(f"{key} has the value that its file states; there is no change to take back.")
            held = max(changed, key=lambda each: each.request_id or 0)
            undone = requests.lock(held.request_id or 0)
            if undone is None:
                raise AlertingError(f"The request behind the value of {key} is gone; propose the value instead.")
            starts_at = held.valid_from if held.valid_from > self.now else None
            change = Change(key, held.value, undone.change.old, starts_at, held.valid_to)
            if change.new is not None and (why := self._refusal(parameter, change.new)) is not None:
                raise AlertingError(f"What held before can't be set any more: {why}. Propose another value.")
            proposal = Proposal(key, change.new, person, reason or f"takes back request {undone.request_id}")
            return self._ask(requests, parameter, change, proposal, undone.request_id)

    def approve(self, request_id: int, person: str, *, change_hash: str | None = None) -> Tuned:
        """Put an open request into force. `change_hash`: that of the change which the person was shown.

        A request that is not exact any more becomes void or expired instead; the answer says why. Raises AlertingError
        for somebody who may not, and for a request that is decided.
        """
        with self._deciding(request_id) as requests:
            request = self._open(requests, request_id)
            if person == request.requested_by:
                raise AlertingError(f"{person} asked for request {request_id}: somebody else has to approve it.")
            key = request.change.key
            parameter = self._known(key)
            asked = parameter.approved_by if parameter is not None and parameter.approved_by else request.approvers
            check_role(person, asked, self.rules.people, self.now, f"approve a change of {key}")
            if change_hash is not None and change_hash != request.change_hash:
                raise AlertingError(f"Request {request_id} is not the change that you were shown; look at it again.")
            if self.now >= request.expires_at:
                return self._settled(requests, request, "expired", None, "nobody approved it in time")
            why = inexactness(request, parameter, requests.timeline(key, self.now), self.now)
            if why is not None or parameter is None:
                return self._settled(requests, request, "void", None, why or "")
            done = self._settled(requests, request, "approved", person, f"approved by {person}")
            return self._applied(requests, parameter, done)

    def reject(self, request_id: int, person: str, reason: str) -> Tuned:
        """Refuse an open request, with the reason; its own requester withdraws it."""
        with self._deciding(request_id) as requests:
            request = self._open(requests, request_id)
            if person == request.requested_by:
                if reason:
                    check_reason(reason, "it is kept with the request")
                return self._settled(requests, request, "withdrawn", None, reason or f"withdrawn by {person}")
            parameter = self._known(request.change.key)
            asked = parameter.approved_by if parameter is not None and parameter.approved_by else request.approvers
            check_role(person, asked, self.rules.people, self.now, f"reject a change of {request.change.key}")
            check_reason(reason, "it is what the requester is told")
            return self._settled(requests, request, "rejected", person, reason)

    def expire(self) -> list[Tuned]:
        """Let go of open requests whose time is over, or that are not exact any more; their requesters are told."""
        done: list[Tuned] = []
        for alert in self.book.due():
            with self.book.begin(alert) as requests:
                done += self._let_go(requests, alert)
        return done

    def parameter(self, key: Key) -> Parameter:
        """The parameter in force. Raises BadCall for an alert or a parameter that there isn't."""
        definition = self.rules.definitions.get(key.alert)
        if definition is None:
            hint = did_you_mean(key.alert, self.rules.definitions) or "`alerting parameters list` shows those in force"
            raise BadCall(f'"{key.alert}" is not in force; {hint}')
        parameters: Mapping[str, Parameter] = getattr(definition, "parameters", {})
        if key.parameter not in parameters:
            has = f"it has {', '.join(parameters)}" if parameters else "it has none"
            raise BadCall(
                f'"{key.parameter}" is not a parameter of {key.alert}; {did_you_mean(key.parameter, parameters) or has}'
            )
        return parameters[key.parameter]

    @staticmethod
    def _refusal(parameter: Parameter, stored: str) -> str | None:
        try:
            parameter.check(parameter.stored(stored))
        except ValueError as error:
            return str(error)
        return None

    def _known(self, key: Key) -> Parameter | None:
        try:
            return self.parameter(key)
        except BadCall:
            return None

    def _new(self, parameter: Parameter, proposal: Proposal) -> str | None:
        if proposal.key.scope != "entry":
            return None if proposal.written is None else self._read(parameter, proposal)
        entry = self._read(parameter, replace(proposal, written=[proposal.key.scope_value]))
        return LEFT_OUT if proposal.written is None else entry

    @staticmethod
    def _read(parameter: Parameter, proposal: Proposal) -> str:
        try:
            return parameter.write(parameter.read(proposal.written, name=f"the value of {proposal.key}"))
        except ValueError as error:
            raise BadCall(str(error)) from None

    def _change(self, requests: Requests, parameter: Parameter, proposal: Proposal, new: str | None) -> Change:
        """What exactly would change, by what is in force and planned at this moment."""
        change = Change(proposal.key, None, new, proposal.starts_at, proposal.ends_at)
        check_window(change, self.now)
        held = requests.timeline(proposal.key, self.now)
        base = covering(held, change.begins(self.now))
        old = standing_value(proposal.key, base)
        if proposal.key.scope == "entry":
            change = entry_change(change, old, base)
        if proposal.expected is not None and not same(parameter, old, self._expected(parameter, proposal)):
            raise AlertingError(
                f"{proposal.key} is {shown(old)} meanwhile, and not {proposal.expected}: somebody changed it before "
                "you; look at it again."
            )
        if same(parameter, old, new):
            raise AlertingError(f"{proposal.key} has {shown(new, parameter.unit)} already; nothing would change.")
        if new is None and proposal.key.scope == "default":
            raise BadCall(f"{proposal.key} needs a value: it is what holds where nothing else does")
        if new is None and proposal.key.scope_value in parameter.values:
            raise BadCall(f"the file states a value for {proposal.key}; remove it there, or propose another one")
        if (why := obstacle(held, change.begins(self.now), change.ends_at)) is not None:
            raise AlertingError(f"{proposal.key} can't be changed for that time: {why}.")
        return replace(change, old=old)

    @staticmethod
    def _expected(parameter: Parameter, proposal: Proposal) -> str | None:
        try:
            return parameter.write(parameter.read(proposal.expected, name="the value that you saw"))
        except ValueError as error:
            raise BadCall(str(error)) from None

    def _ask(
        self,
        requests: Requests,
        parameter: Parameter,
        change: Change,
        proposal: Proposal,
        reverts: int | None,
        *,
        is_dry_run: bool = False,
    ) -> Tuned:
        definition = self.rules.definitions[change.key.alert]
        request = Request(
            change=change,
            requested_by=proposal.person,
            reason=proposal.reason.strip(),
            requested_at=self.now,
            expires_at=self.now + EXPIRES_AFTER,
            approvers=parameter.approved_by,
            change_hash=change.hash,
            reverts=reverts,
            definition_version=definition.version_id,
        )
        impact = self.impact(change) if self.impact is not None else None
        others = [
            each for each in holders(parameter.approved_by, self.rules.people, self.now) if each != proposal.person
        ]
        waits_for = tuple(others) if parameter.approved_by else ()
        if parameter.approved_by and not others:
            raise AlertingError(
                f"Nobody could approve it: {' or '.join(parameter.approved_by)} is held by nobody but "
                f"{proposal.person}; give the role to somebody else in people.yaml."
            )
        if is_dry_run:
            return Tuned(request, impact, waits_for)
        stored = requests.add(request, impact)
        requests.audit(proposal.person, "parameter_requested", _object(stored), None, _state(stored))
        if parameter.approved_by:
            requests.tell(change_message.asked(stored, parameter, others, self._addresses(), impact))
            return Tuned(stored, impact, waits_for)
        settled = self._settled(requests, stored, "approved", None, "needs no approval")
        return replace(self._applied(requests, parameter, settled), impact=impact)

    def _applied(self, requests: Requests, parameter: Parameter, done: Tuned) -> Tuned:
        """Put the value on its timeline; requests that are inexact by it are void at once."""
        request = done.request
        before = [_row(each) for each in requests.timeline(request.change.key, self.now)]
        requests.apply(request, self._value(parameter, request), self.now)
        after = [_row(each) for each in requests.timeline(request.change.key, self.now)]
        actor = request.decided_by or request.requested_by
        requests.audit(actor, "parameter_changed", _object(request), before, after)
        return replace(done, also_void=tuple(each.request for each in self._let_go(requests, request.change.key.alert)))

    def _value(self, parameter: Parameter, request: Request) -> Held | None:
        """What is put on the timeline; what the file states is the file's again, and follows it from then on."""
        change = request.change
        stated = self._stated(parameter, change.key)
        if change.new is None or (change.new == LEFT_OUT and change.key.scope == "entry" and stated is None):
            return None
        if request.reverts is not None and same(parameter, change.new, stated):
            entry = parameter.entry(change.key.scope_value) if change.key.scope == "entry" else None
            more = {} if entry is None else {"valid_to": entry.until, "reason": entry.reason, "author": entry.author}
            return Held(change.new, type=parameter.type, **more)  # type: ignore[arg-type]  # of these three
        return Held(
            change.new,
            changed_by=request.requested_by,
            approved_by=request.decided_by,
            request_id=request.request_id,
            type=parameter.type,
            reason=request.reason,
        )

    @staticmethod
    def _stated(parameter: Parameter, key: Key) -> str | None:
        if key.scope == "default":
            return parameter.write(parameter.default)
        if key.scope == "entry":
            return None if parameter.entry(key.scope_value) is None else parameter.write((key.scope_value,))
        stated = parameter.values.get(key.scope_value) if key.scope == "segment" else None
        return None if stated is None else parameter.write(stated)

    def _let_go(self, requests: Requests, alert: str) -> list[Tuned]:
        done = []
        for request in requests.open(alert):
            if self.now >= request.expires_at:
                done.append(self._settled(requests, request, "expired", None, "nobody approved it in time"))
                continue
            held = requests.timeline(request.change.key, self.now)
            why = inexactness(request, self._known(request.change.key), held, self.now)
            if why is not None:
                done.append(self._settled(requests, request, "void", None, why))
        return done

    def _settled(self, requests: Requests, request: Request, status: Any, person: str | None, answer: str) -> Tuned:
        decided = replace(request, status=status, decided_by=person, decided_at=self.now, answer=answer)
        requests.settle(decided)
        if status != "approved" or person is not None:
            actor = person or (request.requested_by if status == "withdrawn" else "alerting")
            requests.audit(actor, f"parameter_{status}", _object(decided), _state(request), _state(decided))
            parameter = self._known(request.change.key)
            requests.tell(change_message.decided(decided, parameter, self._addresses(), self.now))
        return Tuned(decided)

    def _deciding(self, request_id: int) -> AbstractContextManager[Requests]:
        found = self.book.find(request_id)
        if found is None:
            raise AlertingError(f"There is no request {request_id}; `alerting parameters list` shows those that wait.")
        return self.book.begin(found.change.key.alert)

    @staticmethod
    def _open(requests: Requests, request_id: int) -> Request:
        request = requests.lock(request_id)
        if request is None:
            raise AlertingError(f"There is no request {request_id}; `alerting parameters list` shows those that wait.")
        if request.status != "open":
            when = f"{request.decided_at:%Y-%m-%d %H:%M} UTC" if request.decided_at else "before"
            said = f": {request.answer}" if request.answer else ""
            raise AlertingError(f"Request {request_id} is {request.status} since {when}{said}; nothing was done now.")
        return request

    def _addresses(self) -> AddressBook:
        return AddressBook(self.rules.destinations, self.rules.people)


def _object(request: Request) -> str:
    return f"parameter {request.change.key} (request {request.request_id})"


def _state(request: Request) -> dict[str, Any]:
    change = request.change
    found = {
        "status": request.status, "old": change.old, "new": change.new, "from": change.starts_at, "to": change.ends_at,
        "reason": request.reason, "requested_by": request.requested_by, "decided_by": request.decided_by,
        "answer": request.answer, "change_hash": request.change_hash,
    }  # fmt: skip
    return {name: str(value) if isinstance(value, datetime) else value for name, value in found.items()}


def _row(held: Held) -> dict[str, Any]:
    return {"value": held.value, "from": str(held.valid_from), "to": str(held.valid_to) if held.valid_to else None}
