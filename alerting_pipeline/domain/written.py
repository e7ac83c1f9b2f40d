"""Values as a person wrote them in a file, turned into typed values by rules of our own.

YAML turns `1_000`, `0x10`, `010`, `1e400` and `no` into numbers and booleans before anybody can check them, and so
would silence an alert or multiply a threshold. Files are therefore read as text: an unquoted scalar arrives as `Plain`,
a quoted one as `str`, and each field says by its type what it takes. Python values are accepted as well, for callers
that build a definition in code and for dbt's manifest, where dbt has already read the YAML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from alerting_pipeline.domain.problem import Mistake

NUMBER_PATTERN = r"^-?(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?$"
INTEGER_PATTERN = r"^-?(0|[1-9][0-9]{0,17})$"
DURATION_PATTERN = r"^(0|([0-9]{1,6}w)?([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,9}s)?)$"
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"

_NUMBER = re.compile(NUMBER_PATTERN)
_INTEGER = re.compile(INTEGER_PATTERN)
_DURATION = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?", re.ASCII)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Plain(str):
    """An unquoted scalar of a YAML file, exactly as written. Only such a one can mean null, true, false or a number."""

    __slots__ = ()


def is_null(value: Any) -> bool:
    """Is it nothing: absent, or an unquoted `null`, `~` or empty scalar?"""
    return value is None or (isinstance(value, Plain) and value in _NULLS)


def nulls_to_none(value: Any) -> Any:
    """The same tree with every unquoted null replaced by None; everything else stays as written."""
    if is_null(value):
        return None
    if isinstance(value, Mapping):
        return {key: nulls_to_none(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [nulls_to_none(item) for item in value]
    return value


def number(value: Any) -> Decimal:
    """A finite decimal written with digits only. ValueError says what is wrong with anything else."""
    if isinstance(value, bool):
        raise Mistake("AP104", f"{_shown(value)} is not a number; write digits, such as 10000 or 0.5")
    if isinstance(value, int | Decimal | float):
        value = _plain_decimal(value)
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise Mistake(
            "AP104", f"{_shown(value)} is not a plain decimal number; write digits only, such as 10000 or 0.5"
        )
    return Decimal(value)


def integer(value: Any) -> int:
    """A whole number written with digits only."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise Mistake("AP104", f"{_shown(value)} is not a whole number; write digits only, such as 3")
    return int(value)


def flag(value: Any) -> bool:
    """`true` or `false`, unquoted; never yes, no, on or off."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    raise Mistake("AP104", f"{_shown(value)} is not a boolean; write true or false")


def duration(value: Any) -> timedelta:
    """A length of time such as `15m`, `1h30m` or `7d`, in the units w, d, h, m and s; `0` alone needs no unit."""
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise Mistake("AP109", "a duration cannot be negative; write one such as 15m, 4h or 7d")
        return value
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if text == "0":
        return timedelta(0)
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise Mistake("AP109", f"{_shown(value)} is not a duration; write one such as 15m, 4h, 1h30m or 7d")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if length > timedelta(days=3660):
        raise Mistake("AP109", f"{_shown(value)} is longer than ten years; write a shorter duration, such as 7d")
    return length


def duration_text(length: timedelta) -> str:
    """The shortest way to write a duration in a file: 5400 s is `1h30m`, nothing is `0m`."""
    seconds = int(length.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0m"


def text(value: Any) -> str:
    """A text as written; numbers and booleans in a text field keep their spelling."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal | float):
        return _plain_decimal(value)
    raise Mistake("AP108", f"{_shown(value)} is not a text; write a single value here")


def instant(value: Any) -> datetime:
    """A point in time with its offset, such as `2026-01-05T05:00:00Z`; returned in UTC."""
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise Mistake(
            "AP109", f"{_shown(value)} is not an instant; write one with its offset, such as 2026-01-05T05:00:00Z"
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # of the first or the last year there is, which its offset takes beyond
        raise Mistake(
            "AP109", f"{_shown(value)} is before or after all time; write an instant of these years"
        ) from None


def day(value: Any) -> date:
    """A calendar day such as `2026-12-01`."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Mistake("AP109", f"{_shown(value)} is not a day; write one such as 2026-12-01") from None


def time_zone(value: Any) -> str:
    """An IANA time zone such as `Europe/Berlin`."""
    name = text(value)
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise Mistake("AP109", f'"{name}" is not a time zone; write one such as Europe/Berlin') from None
    return name


def text_list(value: Any) -> tuple[str, ...]:
    """A list of texts; one text alone is a list of one."""
    if isinstance(value, str):
        return (text(value),)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return tuple(text(item) for item in value)
    raise Mistake("AP108", f"{_shown(value)} is not a list of texts; write [a, b]")


def cell(value: Any) -> str | None:
    """One cell of a case row: its text as written, which the database reads by the column's type; None is NULL."""
    if is_null(value):
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)):
        raise Mistake("AP108", "a cell of a case row must be a single value; write JSON as a quoted text")
    return text(value)


def _plain_decimal(value: int | float | Decimal) -> str:
    if isinstance(value, int):
        return str(value)
    decimal = value if isinstance(value, Decimal) else Decimal(repr(value))
    return format(decimal, "f") if decimal.is_finite() else str(decimal)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        short = value if len(value) <= 40 else value[:39] + "…"
        return f'"{short}"'
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, Sequence):
        return "a list"
    return str(value)


_TEXT_SCHEMA = {"type": ["string", "number", "boolean"]}
_DURATION_SCHEMA = {"type": ["string", "integer"], "pattern": DURATION_PATTERN, "examples": ["15m", "4h", "7d"]}
_INSTANT_SCHEMA = {"type": "string", "format": "date-time"}
_TEXTS_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

Text = Annotated[str, BeforeValidator(text), WithJsonSchema(_TEXT_SCHEMA)]
Number = Annotated[Decimal, BeforeValidator(number), WithJsonSchema({"type": "number"})]
Integer = Annotated[int, BeforeValidator(integer), WithJsonSchema({"type": "integer"})]
Flag = Annotated[bool, BeforeValidator(flag), WithJsonSchema({"type": "boolean"})]
Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema(_DURATION_SCHEMA),
]
Instant = Annotated[datetime, BeforeValidator(instant), WithJsonSchema(_INSTANT_SCHEMA)]
Day = Annotated[date, BeforeValidator(day), WithJsonSchema({"type": "string", "format": "date"})]
Texts = Annotated[tuple[str, ...], BeforeValidator(text_list), WithJsonSchema(_TEXTS_SCHEMA)]
TimeZone = Annotated[str, BeforeValidator(time_zone), WithJsonSchema({"type": "string"})]
Cell = Annotated[str | None, BeforeValidator(cell), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]


class Strict(BaseModel):
    """What every model of a file has in common: unknown keys are refused, and values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, ser_json_timedelta="iso8601")
