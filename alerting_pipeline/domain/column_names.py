"""Column names as they are delivered, turned into the names that SQL uses: lower snake_case, as AWS and dlt do it.

`lineItem/UnblendedCost` → `line_item_unblended_cost`, `resourceTags/user:app` → `resource_tags_user_app`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

LONGEST = 63
"""Bytes that Postgres keeps of a name; a longer one is cut and gets a hash, so that two long names stay two."""

OURS = frozenset({"_load_id", "_loaded_at", "_file", "_period", "_delivery"})
_WORD_BEFORE = re.compile(r"([^\W_])([A-Z][a-z]+)")
_CAPITAL_AFTER = re.compile(r"([a-z0-9])([A-Z])")


class BadHeader(ValueError):
    """A file's column names can't be used; the text says which and why."""


def snake_case(written: str) -> str:
    """The column name for a header as it is written. Raises BadHeader where nothing of it can be a name."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", written.strip()) if not unicodedata.combining(each))
    text = re.sub(r"\W+", "_", plain)
    text = _CAPITAL_AFTER.sub(r"\1_\2", _WORD_BEFORE.sub(r"\1_\2", text))
    is_private = text.startswith("_") and written.lstrip().startswith("_")
    text = re.sub(r"_+", "_", text).strip("_").casefold()
    if not text:
        raise BadHeader(f'the column "{written}" has no letter or digit in its name; name it')
    if is_private or text[0].isdigit():
        text = f"_{text}"
    if len(text.encode()) > LONGEST:
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        text = text.encode()[: LONGEST - 9].decode(errors="ignore") + f"_{digest}"
    return text


def column_names(header: Sequence[str]) -> tuple[str, ...]:
    """One name per column of a header, in order. Raises BadHeader where two become one, or one is ours."""
    taken: dict[str, str] = {}
    for position, written in enumerate(header, start=1):
        if not written.strip():
            raise BadHeader(f"column {position} of the header has no name; name it")
        name = snake_case(written)
        if name in OURS:
            raise BadHeader(f'the column "{written}" would be {name}, which we write ourselves; rename it')
        if name in taken:
            raise BadHeader(f'the columns "{taken[name]}" and "{written}" would both be {name}; rename one of them')
        taken[name] = written
    return tuple(taken)
