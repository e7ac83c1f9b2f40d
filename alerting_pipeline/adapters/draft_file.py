"""A draft as the text of its file: written by the YAML library, in the style in which people write definitions.

Texts stand in double quotes unless every reader of YAML takes them for a text anyway: `yes`, `0123` and `a: b` are
read back as they were written, by YAML 1.1 as well. What is a number in its plain form is written as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from alerting_pipeline.domain.draft import Draft

_SCHEMA = "# yaml-language-server: $schema=../definition.schema.json\n"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./ ]*[A-Za-z0-9]")
_SPECIAL = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_NEVER_FOLDED = 1_000_000


class _Instant(str):
    """Written bare, as people write instants."""


def text_of(draft: Draft) -> str:
    """The file."""
    tree = CommentedMap()
    for key, value in draft.tree.items():
        tree[key] = _BLOCKS[key](value) if key in _BLOCKS else _flow(value)
    written = StringIO()
    _yaml().dump(tree, written)
    return _SCHEMA + written.getvalue()


def _yaml() -> YAML:
    made = YAML()
    made.width = _NEVER_FOLDED
    made.indent(mapping=2, sequence=4, offset=2)
    represent = made.representer
    represent.add_representer(Decimal, lambda to, value: to.represent_scalar(_tag(value), str(value)))
    represent.add_representer(_Instant, lambda to, value: to.represent_scalar("tag:yaml.org,2002:timestamp", value))
    return made


def _tag(value: Decimal) -> str:
    return f"tag:yaml.org,2002:{'float' if '.' in str(value) else 'int'}"


def _limits(limits: Mapping[str, Mapping[str, str]]) -> CommentedMap:
    return CommentedMap({name: _flow({key: _number(each) for key, each in said.items()})
                         for name, said in limits.items()})  # fmt: skip


def _cases(cases: list[Mapping[str, Any]]) -> CommentedSeq:
    made = CommentedSeq()
    for case in cases:
        made.append(
            CommentedMap(
                name=_text(case["name"]),
                at=_Instant(case["at"]),
                rows=CommentedSeq([_flow(row) for row in case["rows"]]),
                expect=_flow(case["expect"]),
            )
        )
    return made


_BLOCKS = {"parameters": _limits, "cases": _cases}


def _flow(value: Any) -> Any:
    """A value in one line."""
    if isinstance(value, Mapping):
        made: Any = CommentedMap({_text(str(key)): _flow(item) for key, item in value.items()})
        made.fa.set_flow_style()
        return made
    if isinstance(value, list | tuple):
        made = CommentedSeq([_flow(item) for item in value])
        made.fa.set_flow_style()
        return made
    if isinstance(value, bool | int | float | Decimal | None):
        return value
    return _text(str(value))


def _number(written: str) -> Decimal | str:
    return Decimal(written) if _NUMBER.fullmatch(written) else written


def _text(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _SPECIAL
    return text if is_plain else DoubleQuotedScalarString(text)
