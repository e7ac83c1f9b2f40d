"""Values in words that people read at a glance: "$15,000", "3 h 20 min", "1.5 × the limit", "5 January 2026".

Every function takes whatever a warehouse may hand out and answers with short text; none of them raises because of data.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

NOTHING = "–"
LARGEST_EXPONENT = 100_000
TOO_LONG = 30  # digits before a number is written with an exponent
_ISO_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "CNY": "CN¥", "KRW": "₩"}
_WITHOUT_CENTS = frozenset({"JPY", "KRW"})


def as_number(value: object) -> Decimal | None:
    """The value as a finite decimal of a size to reckon with, or None if it isn't one (True and False aren't)."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < LARGEST_EXPONENT else None


def number(value: object, decimals: int | None = None) -> str:
    """1234567.5 → "1,234,567.5"; at most two decimals (more for small numbers) unless `decimals` says how many."""
    amount = as_number(value)
    if amount is None:
        return plain(value)
    if abs(amount.adjusted()) > TOO_LONG:
        return f"{amount:.3e}"
    if decimals is not None:
        return f"{amount:,.{max(0, min(int(decimals), 12))}f}"
    places = 2 if abs(amount) >= 1 or amount == 0 else min(12, 1 - amount.adjusted())
    text = f"{amount:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: object, unit: str = "USD", decimals: int | None = None) -> str:
    """15000 → "$15,000"; cents only where there are any; an unknown unit is written before the amount."""
    amount = as_number(value)
    if amount is None:
        return plain(value)
    code = str(unit).upper()[:12]
    if decimals is None:
        decimals = 0 if code in _WITHOUT_CENTS or amount == amount.to_integral_value() else 2
    sign, text = ("-" if amount < 0 else ""), number(abs(amount), decimals)
    return f"{sign}{_SYMBOLS[code]}{text}" if code in _SYMBOLS else f"{sign}{code} {text}"


def percent(value: object, decimals: int | None = None) -> str:
    """0.125 → "12.5 %"."""
    share = as_number(value)
    if share is None:
        return plain(value)
    return f"{number(share * 100, decimals)} %"


def day(value: object) -> str:
    """An instant or a date → "5 January 2026"."""
    instant = _instant(value)
    return f"{instant.day} {instant:%B %Y}" if instant else plain(value)


def clock_time(value: object) -> str:
    """An instant → "04:22 UTC"."""
    instant = _instant(value)
    return f"{instant:%H:%M} UTC" if instant else plain(value)


def day_and_time(value: object) -> str:
    """An instant → "5 January 2026, 04:22 UTC"; a date alone stays a date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return day(value)
    instant = _instant(value)
    return f"{day(instant)}, {clock_time(instant)}" if instant else plain(value)


def local(value: object, zone: object) -> str:
    """An instant by the clock of an IANA time zone → "5 January 2026, 15:30 (Asia/Tokyo)"; in UTC for no known zone."""
    instant = _instant(value)
    try:
        known = ZoneInfo(str(zone))
    except (ValueError, OSError, KeyError):
        return day_and_time(value)
    if instant is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return plain(value)
    there = instant.astimezone(known)
    return f"{there.day} {there:%B %Y, %H:%M} ({known.key})"


def duration(value: object) -> str:
    """A timedelta, or a number of seconds → "3 h 20 min"; the two largest units; "0 min" below a second."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    else:
        amount = as_number(value)
        if amount is None or abs(amount.adjusted()) > 12:
            return plain(value)
        seconds = float(amount)
    sign, left = ("-" if seconds < 0 else ""), int(abs(seconds))
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return sign + (" ".join(part for part in parts if part) or "0 min")


def deviance(
    value: object, shape: str = "ratio", direction: str = "above", unit: str | None = None, limit: str = "the limit"
) -> str:
    """How far the value is from its limit: "1.5 × the limit", "3 h 20 min late", "$120 over the budget".

    `limit` is what the value is compared with, in words.
    `value` is the ratio, or the difference in the unit of the limit (for durations: a timedelta, or seconds with the
    unit `duration` or `late`); NULL gives an empty text.
    """
    amount = value.total_seconds() if isinstance(value, timedelta) else as_number(value)
    if amount is None:
        return ""
    if shape == "checks":
        return f"{number(amount)} {'check fails' if amount == 1 else 'checks fail'}"
    if shape == "ratio":
        return f"{number(round(Decimal(amount), 2) if abs(Decimal(amount)) < 10**9 else amount)} × {limit}"
    side = "over" if direction == "above" else "under"
    if isinstance(value, timedelta) or unit in {"duration", "seconds", "late"}:
        length = duration(abs(amount))
        return f"{length} late" if direction == "above" else f"{length} too early"
    if unit and unit.upper() in _SYMBOLS:
        return f"{money(abs(Decimal(amount)), unit)} {side} {limit}"
    return f"{number(abs(amount))}{f' {unit}' if unit else ''} {side} {limit}"


def plain(value: object) -> str:
    """Any value as one line: NULL as a dash, instants and lengths of time in words, booleans as yes and no."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, datetime):
        return day_and_time(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Decimal | float | int):
        amount = as_number(value)
        return number(amount) if amount is not None else str(value)
    return str(value)


def is_instant(value: object) -> bool:
    """Is it an instant, or the ISO text that one becomes in JSON?"""
    return isinstance(value, datetime) or (
        isinstance(value, str) and len(value) < 40 and bool(_ISO_INSTANT.match(value)) and _instant(value) is not None
    )


def stored(value: object) -> str:
    """A value as it comes back from JSON, in words: instants are text there."""
    return day_and_time(value) if is_instant(value) else plain(value)


def _instant(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return None
