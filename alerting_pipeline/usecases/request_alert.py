"""Ask for a new alert, and decide on it: as with a parameter, nobody puts their own into the repository.

Who approves is the business of the team that would answer for it (`alerts_approved_by` in people.yaml). The request
holds the file to the letter; it is written and committed in the transaction that decides, so an approval that git
refuses is no approval, and one that the database lost is found again by its commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerting_pipeline.domain.change_ports import Rules
from alerting_pipeline.domain.change_request import EXPIRES_AFTER, Status, check_role, holders
from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.draft_ports import Decided, DraftBook, DraftDesk, NewFiles, Signature
from alerting_pipeline.domain.draft_request import DraftRequest, NewFile
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.people import Person
from alerting_pipeline.rendering import draft_message


@dataclass(frozen=True, slots=True)
class AlertRequests:
    """Requests for new alerts, by the rules in force at the business instant `now`."""

    book: DraftBook
    rules: Rules
    now: datetime

    def approvers(self, owner: str) -> tuple[str, ...]:
        """Roles of which one must approve a new alert of this team; none: it is written at once."""
        return self.rules.people.alert_approvers(owner)

    def ask(self, file: NewFile, person: str, reason: str, impact: Mapping[str, Any] | None) -> Decided:
        """Ask for the alert; those who may approve are told. Raises BadCall or AlertingError where it can't be."""
        roles = self.approvers(file.owner)
        check_role(person, (), self.rules.people, self.now, f"ask for {file.alert}")
        if not reason.strip():
            raise BadCall("say why with --reason: it is kept with the request, and shown to whoever approves it")
        others = [each for each in holders(roles, self.rules.people, self.now) if each != person]
        if not others:
            raise AlertingError(
                f"Nobody could approve it: {' or '.join(roles)} is held by nobody but {person}; "
                "give the role to somebody else in people.yaml."
            )
        self._check_free(file.alert)
        with self.book.begin(file.alert) as desk:
            if (waiting := desk.waiting(file.alert)) is not None:
                raise AlertingError(
                    f"{waiting.requested_by} asked for {file.alert} before you: request {waiting.request_id} waits for "
                    f"an answer; look at it with `alerting drafts show {waiting.request_id}`, or choose another name."
                )
            request = DraftRequest(
                file=file,
                requested_by=person,
                reason=reason.strip(),
                requested_at=self.now,
                expires_at=self.now + EXPIRES_AFTER,
                approvers=roles,
                draft_hash=file.hash,
                impact=impact,
            )
            stored = desk.add(request)
            desk.audit(person, "alert_requested", _object(stored), None, _state(stored))
            desk.tell(draft_message.asked(stored, others, self._addresses()))
        return Decided(stored, tuple(others))

    def approve(self, request_id: int, person: str, files: NewFiles, *, draft_hash: str | None = None) -> Decided:
        """Write and commit what was asked for. `draft_hash`: that of the draft which the person was shown.

        A request that is not exact any more becomes void or expired instead; the answer says why. Raises AlertingError
        for somebody who may not, for a request that is decided, and where it can't be written.
        """
        with self._deciding(request_id) as desk:
            request = self._open(desk, request_id)
            if person == request.requested_by:
                raise AlertingError(f"{person} asked for request {request_id}: somebody else has to approve it.")
            self._check_role(request, person, "approve")
            if draft_hash is not None and draft_hash != request.draft_hash:
                raise AlertingError(f"Request {request_id} is not the draft that you were shown; look at it again.")
            commit = files.written(request)
            if commit is None:
                if self.now >= request.expires_at:
                    return self._settled(desk, request, "expired", None, "nobody approved it in time")
                if (why := self._staleness(request, files)) is not None:
                    return self._settled(desk, request, "void", None, why)
                commit = files.write(request, self._signature(request.requested_by), self._signature(person))
            return self._settled(desk, replace(request, commit=commit), "approved", person, f"approved by {person}")

    def reject(self, request_id: int, person: str, reason: str) -> Decided:
        """Refuse an open request, with the reason; its own requester withdraws it."""
        with self._deciding(request_id) as desk:
            request = self._open(desk, request_id)
            if person == request.requested_by:
                return self._settled(desk, request, "withdrawn", None, reason.strip() or f"withdrawn by {person}")
            self._check_role(request, person, "reject")
            if not reason.strip():
                raise BadCall("say why with --reason: it is what the requester is told")
            return self._settled(desk, request, "rejected", person, reason.strip())

    def expire(self) -> list[Decided]:
        """Let go of requests whose time is over, or whose name is taken; their requesters are told."""
        done = []
        for found in self.book.open():
            with self.book.begin(found.file.alert) as desk:
                request = desk.lock(found.request_id)
                if request is None or request.status != "open":
                    continue
                if self.now >= request.expires_at:
                    done.append(self._settled(desk, request, "expired", None, "nobody approved it in time"))
                elif request.file.alert in self.rules.definitions:
                    done.append(self._settled(desk, request, "void", None, _taken(request.file.alert)))
        return done

    def _check_free(self, alert: str) -> None:
        if alert in self.rules.definitions:
            raise AlertingError(f"{_taken(alert)}; choose another name.")

    def _check_role(self, request: DraftRequest, person: str, verb: str) -> None:
        roles = self.approvers(request.file.owner) or request.approvers
        check_role(person, roles, self.rules.people, self.now, f"{verb} the alert {request.file.alert}")

    def _staleness(self, request: DraftRequest, files: NewFiles) -> str | None:
        if request.file.hash != request.draft_hash:
            return "it was edited after it had been asked for"
        if request.file.alert in self.rules.definitions:
            return _taken(request.file.alert)
        return files.staleness(request.file)

    def _settled(
        self, desk: DraftDesk, request: DraftRequest, status: Status, person: str | None, answer: str
    ) -> Decided:
        decided = replace(request, status=status, decided_by=person, decided_at=self.now, answer=answer)
        desk.settle(decided)
        actor = person or (request.requested_by if status == "withdrawn" else "alerting")
        desk.audit(actor, f"alert_{status}", _object(decided), _state(request), _state(decided))
        desk.tell(draft_message.decided(decided, self._addresses(), self.now))
        return Decided(decided)

    def _deciding(self, request_id: int) -> AbstractContextManager[DraftDesk]:
        found = self.book.find(request_id)
        if found is None:
            raise AlertingError(f"There is no draft {request_id}; `alerting drafts list` shows those that wait.")
        return self.book.begin(found.file.alert)

    @staticmethod
    def _open(desk: DraftDesk, request_id: int) -> DraftRequest:
        request = desk.lock(request_id)
        if request is None:
            raise AlertingError(f"There is no draft {request_id}; `alerting drafts list` shows those that wait.")
        if request.status != "open":
            when = f"{request.decided_at:%Y-%m-%d %H:%M} UTC" if request.decided_at else "before"
            said = f": {request.answer}" if request.answer else ""
            raise AlertingError(f"Draft {request_id} is {request.status} since {when}{said}; nothing was done now.")
        return request

    def _signature(self, person: str) -> Signature:
        return Signature(person, self.rules.people.people.get(person) or Person(name=person))

    def _addresses(self) -> AddressBook:
        return AddressBook(self.rules.destinations, self.rules.people)


def _taken(alert: str) -> str:
    return f"an alert called {alert} is in force already"


def _object(request: DraftRequest) -> str:
    return f"alert {request.file.alert} (draft {request.request_id})"


def _state(request: DraftRequest) -> dict[str, Any]:
    return {
        "status": request.status, "path": request.file.path, "version": request.file.version,
        "reason": request.reason, "requested_by": request.requested_by, "decided_by": request.decided_by,
        "answer": request.answer, "draft_hash": request.draft_hash, "commit": request.commit,
    }  # fmt: skip
