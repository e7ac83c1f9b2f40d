"""How reading the warehouse fails, in the classes that decide what happens next.

A failed query is a matter of one definition (bisect, and tell its author); a stopped one was too long or too large;
an unreachable warehouse is nobody's definition, so it is tried again. None of them carries text of the database: a
cast error prints the value that could not be cast, and messages go further than the row may.
"""

from __future__ import annotations

from alerting_pipeline.domain.errors import AlertingError


class WarehouseError(AlertingError):
    """A read that gave no answer. `offset` is where in the caller's SQL, counted in characters from 0, where known."""

    def __init__(self, sentence: str, *, sqlstate: str | None = None, offset: int | None = None) -> None:
        super().__init__(sentence)
        self.sqlstate = sqlstate
        self.offset = offset


class QueryFailed(WarehouseError):
    """The database refused the SQL, or a row in it: the same SQL over the same rows fails again."""


class RelationMissing(QueryFailed):
    """What the SQL reads isn't there: a model that was never built, or one that is gone."""


class QueryStopped(WarehouseError):
    """The query ran into a limit of time, size or disk."""


class WarehouseUnreachable(WarehouseError):
    """No connection, or it was lost: says nothing about the SQL."""
