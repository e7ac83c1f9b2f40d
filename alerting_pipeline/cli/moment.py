"""Instants and lengths of time as people type them behind an option."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerting_pipeline.domain.errors import BadCall

_YEARS = range(1900, 9000)  # so that no zone and no length of time leads out of those that Python can tell


def moment(text: str, option: str) -> datetime:
    """An instant, in UTC; without a zone it is meant in UTC. Raises BadCall for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadCall(f'{option} "{text}" is not an instant; write one such as 2026-01-05T05:00:00Z') from None
    if found.year not in _YEARS:
        raise BadCall(f'{option} "{text}" is too far away; write an instant of the years {_YEARS[0]} to {_YEARS[-1]}')
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def length(text: str, option: str) -> timedelta:
    """A length of time such as 2h or 1d12h. Raises BadCall for anything else."""
    from alerting_pipeline.domain.written import duration

    try:
        return duration(text)
    except ValueError as error:
        raise BadCall(f"{option}: {error}") from None
