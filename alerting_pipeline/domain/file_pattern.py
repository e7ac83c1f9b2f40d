"""Where the files of a source lie: a path with {fields} and globs, relative to the source's root.

The fields of the path, and nothing else, say which period and delivery a file belongs to: the time of a file changes
when somebody copies it, and files arrive in any order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from alerting_pipeline.domain.problem import Mistake

_TOKEN = re.compile(r"\{([^{}]*)\}|\*\*/|\*\*|\*|\?|[{}]|[^{}*?]+")
_FIELD = re.compile(r"[a-z][a-z0-9_]*")
_UNFINISHED_ENDS = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".unfinished", ".swp", "~")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class FilePattern:
    """A pattern such as `{period}/{delivery}/*.csv.gz`. Make it with `parse`."""

    text: str
    fields: tuple[str, ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> FilePattern:
        """Raises ValueError with a sentence where the text isn't a pattern."""
        if not text or text.startswith("/") or "\\" in text or ".." in text.split("/") or "" in text.split("/"):
            raise Mistake("AP502", f'"{text}" is not a path below the root; write one such as {{day}}.csv')
        fields = []
        for token in _TOKEN.finditer(text):
            name = token.group(1)
            if token.group() in "{}" or (name is not None and not _FIELD.fullmatch(name)):
                raise Mistake("AP502", f'"{text}" has a brace that names no field; write {{day}}, in lower case')
            if name is not None:
                fields.append(name)
        return cls(text, tuple(dict.fromkeys(fields)))

    @property
    def depth(self) -> int | None:
        """How many parts a matching path has; None where `**` takes any number."""
        return None if "**" in self.text else self.text.count("/") + 1

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        parts, seen = [], set()
        for token in _TOKEN.finditer(self.text):
            name = token.group(1)
            if name is None:
                globs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
                parts.append(globs.get(token.group(), re.escape(token.group())))
            else:
                parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)")
                seen.add(name)
        return re.compile("".join(parts), re.DOTALL)

    def match(self, name: str) -> dict[str, str] | None:
        """The fields of a path relative to the root, or None where it isn't one of the source's files."""
        if is_unfinished(name):
            return None
        found = self._expression.fullmatch(name)
        return found.groupdict() if found else None


def is_unfinished(name: str) -> bool:
    """Is it a file that somebody is still writing, or a hidden one? Such files are never read."""
    parts = name.split("/")
    return any(part.startswith((".", "~$")) for part in parts) or parts[-1].lower().endswith(_UNFINISHED_ENDS)


def natural_order(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key of a field: runs of digits compare as numbers, so that report-10 comes after report-9."""
    parts = enumerate(_DIGITS.split(text))  # every second part is a run of digits
    key = [(1, int(part), "") if index % 2 else (0, 0, part) for index, part in parts if part]
    return (*key, (-1, 0, text))
