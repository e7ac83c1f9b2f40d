"""YAML as a tree of nodes that know their place, with every scalar as written. Nothing is constructed from it.

libyaml's event stream is read directly: that is fast, gives the place of every value, and leaves `1_000` and `no` as
they are. Limits on size, depth and aliases hold before anything is built, so no file can fill the memory; tags,
several documents and keys that stand twice are refused, for each of them means something else than its author thinks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from alerting_pipeline.domain.problem import Problem
from alerting_pipeline.domain.written import Plain

LARGEST_FILE = 512 * 1024
MOST_NODES = 20_000
MOST_ALIASES = 50
DEEPEST = 30
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n|.)|.", re.DOTALL)
_WHITE_ESCAPES = frozenset("nrt0 \n_NLPvf")


@dataclass(frozen=True, slots=True)
class Source:
    """The file a node stands in: its path as people name it, its text, and where its lines start."""

    path: str
    text: str
    starts: tuple[int, ...]

    @classmethod
    def of(cls, path: str, text: str) -> Source:
        starts = (0, *(match.end() for match in re.finditer("\n", text)))
        return cls(path, text, starts)

    def place(self, index: int) -> tuple[int, int]:
        """Line and column, from 1, of a character index."""
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1


@dataclass(slots=True, eq=False)
class Node:
    """A value with its place: a scalar (`value` is text), a list (`items`) or a map (`entries`: key → (key, value)).

    `size` is the number of values in it, aliases counted at their full size.
    """

    source: Source
    start: int
    end: int
    value: str | None = None
    style: str = ""
    items: list[Node] | None = None
    entries: dict[str, tuple[Node, Node]] | None = None
    size: int = 1

    @property
    def is_scalar(self) -> bool:
        return self.value is not None

    def plain(self) -> Any:
        """The value as text, lists and dicts; unquoted scalars are `Plain`."""
        if self.entries is not None:
            return {key: value.plain() for key, (_, value) in self.entries.items()}
        if self.items is not None:
            return [item.plain() for item in self.items]
        return self.value

    def at(self, way: tuple[str | int, ...]) -> Node:
        """The value at the end of the way, or the last one on it that exists."""
        node = self
        for step in way:
            if node.entries is not None and str(step) in node.entries:
                node = node.entries[str(step)][1]
            elif node.items is not None and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            else:
                break
        return node

    def key_at(self, way: tuple[str | int, ...]) -> Node:
        """The key that the last step of the way names, the item of a list, or the last value that exists."""
        parent = self.at(way[:-1])
        if parent.entries is not None and str(way[-1]) in parent.entries:
            return parent.entries[str(way[-1])][0]
        if parent.items is not None and isinstance(way[-1], int) and way[-1] < len(parent.items):
            return parent.items[way[-1]]
        return parent

    def place(self, offset: int | None = None) -> tuple[int, int]:
        """Line and column, from 1, of the value, or of a character of its text, whatever its style of quoting."""
        if offset is None or self.value is None:
            return self.source.place(self.start)
        return self.source.place(self._index_of(offset))

    def _index_of(self, offset: int) -> int:
        """Quotes, escapes, folds and indentation only change white space: count the other characters instead."""
        wanted = len(re.sub(r"\s", "", (self.value or "")[:offset]))
        raw = self.source.text[self.start : self.end]
        skip = 0
        if self.style in ("|", ">"):
            skip = raw.find("\n") + 1
        elif self.style in ("'", '"'):
            skip = 1
        for index in _solid(raw, skip, self.style):
            if wanted == 0:
                return self.start + index
            wanted -= 1
        return max(self.start, self.end - 1)


class BadYaml(Exception):
    """The file can't be read as YAML at all; `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read(content: bytes, path: str) -> tuple[Node, list[Problem]]:
    """The root node of one file, and the problems that don't keep it from being read (keys that stand twice).

    Raises BadYaml where there is no tree to speak of.
    """
    source = _decoded(content, path)
    builder = _Builder(source)
    try:
        events = yaml.parse(source.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        root = builder.build(events)
    except yaml.MarkedYAMLError as error:
        raise BadYaml(_misread(error, source)) from None
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise BadYaml(
            _at(source, 0, f"the YAML cannot be read ({type(error).__name__})", "correct it", "AP101")
        ) from None
    return root, builder.problems


def node_of(value: Any, source: Source, start: int = 0) -> Node:
    """A node for a Python value from elsewhere (dbt's manifest); every part of it has the one place."""
    if isinstance(value, Mapping):
        pairs = {str(key): node_of(item, source, start) for key, item in value.items()}
        return Node(source, start, start, entries={key: (node_of(key, source, start), n) for key, n in pairs.items()})
    if isinstance(value, list | tuple):
        return Node(source, start, start, items=[node_of(item, source, start) for item in value])
    if value is None or isinstance(value, bool):
        return Node(source, start, start, value=Plain({None: "null", True: "true", False: "false"}[value]))
    return Node(source, start, start, value=str(value) if isinstance(value, str) else Plain(str(value)))


class _Builder:
    """Builds the tree from events, with a stack of its own: depth is a number, not the interpreter's stack."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._aliases = 0

    def build(self, events: Iterator[Any]) -> Node:
        root: Node | None = None
        documents = 0
        stack: list[tuple[Node, str | None, list[Node]]] = []
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refused(
                        event, "a second document starts here", "write one document per file, without ---"
                    )
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._check(event, len(stack))
                node = Node(self.source, event.start_mark.index, event.start_mark.index)
                if isinstance(event, yaml.MappingStartEvent):
                    node.entries = {}
                else:
                    node.items = []
                stack.append((node, event.anchor, []))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                node, anchor, _ = stack.pop()
                root = self._finished(node, anchor, stack) or root
            elif isinstance(event, yaml.ScalarEvent):
                self._check(event, len(stack))
                root = self._finished(self._scalar(event), event.anchor, stack) or root
            elif isinstance(event, yaml.AliasEvent):
                root = self._finished(self._aliased(event), None, stack) or root
        if root is None or (root.is_scalar and not root.value):
            raise BadYaml(_at(self.source, 0, "the file is empty", "write a definition, or remove the file", "AP116"))
        return root

    def _finished(
        self, node: Node, anchor: str | None, stack: list[tuple[Node, str | None, list[Node]]]
    ) -> Node | None:
        """Hand a finished node to the one around it; the outermost one is returned."""
        if anchor:
            self._anchors[anchor] = node
        if not stack:
            return node
        parent, _, waiting = stack[-1]
        parent.size += node.size
        if parent.items is not None:
            parent.items.append(node)
        elif not waiting:
            waiting.append(node)
        else:
            self._add(parent, waiting.pop(), node)
        return None

    def _add(self, parent: Node, key: Node, value: Node) -> None:
        entries = parent.entries if parent.entries is not None else {}
        if key.value is None:
            self.problems.append(
                _at(self.source, key.start, "a key must be a single text", "write key: value", "AP106")
            )
        elif key.value in entries:
            line, _ = entries[key.value][0].place()
            what = f'the key "{key.value}" stands twice, first in line {line}'
            self.problems.append(_at(self.source, key.start, what, "keep one of them", "AP106"))
        elif isinstance(key.value, Plain) and ":" in key.value and isinstance(value.value, Plain) and not value.value:
            # {area:fraud} is, for YAML, a key "area:fraud" without a value: what it states would silently not hold.
            name, _, rest = key.value.partition(":")
            what = f'"{key.value}" is one word, without a value'
            remedy = f"write a space after the colon: {name}: {rest}"
            self.problems.append(_at(self.source, key.start, what, remedy, "AP106"))
        else:
            entries[str(key.value)] = (key, value)

    def _scalar(self, event: Any) -> Node:
        is_plain = bool(event.implicit[0])
        value = Plain(event.value) if is_plain else event.value
        return Node(self.source, event.start_mark.index, event.end_mark.index, value=value, style=event.style or "")

    def _aliased(self, event: Any) -> Node:
        self._aliases += 1
        known = self._anchors.get(event.anchor)
        if known is None:
            raise self._refused(event, f"the alias *{event.anchor} has no anchor before it", "write the value out")
        if self._aliases > MOST_ALIASES:
            raise self._refused(event, f"there are more than {MOST_ALIASES} aliases", "write the values out")
        self._count(event, known.size)
        return known

    def _check(self, event: Any, depth: int) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self._refused(event, f"the tag {tag} is not accepted", "write the value without a tag")
        if depth >= DEEPEST:
            raise self._refused(event, f"the file is nested deeper than {DEEPEST} levels", "make it flatter")
        self._count(event, 1)

    def _count(self, event: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            raise self._refused(
                event, f"the file has more than {MOST_NODES} values", "split it, or write fewer aliases"
            )

    def _refused(self, event: Any, what: str, remedy: str) -> BadYaml:
        return BadYaml(_at(self.source, event.start_mark.index, what, remedy, "AP110"))


def _decoded(content: bytes, path: str) -> Source:
    if len(content) > LARGEST_FILE:
        problem = Problem(path, 1, 1, f"the file is larger than {LARGEST_FILE // 1024} KiB", "split it", code="AP110")
        raise BadYaml(problem)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rsplit(b"\n", 1)[-1].decode("utf-8", "replace")) + 1
        raise BadYaml(
            Problem(path, line, column, "the file is not UTF-8 text here", "save it as UTF-8", code="AP110")
        ) from None
    source = Source.of(path, text)
    control = _CONTROL.search(text)
    if control:
        what = f"there is a control character (U+{ord(control.group()):04X})"
        raise BadYaml(_at(source, control.start(), what, "remove it", "AP110"))
    if not text.strip():
        raise BadYaml(_at(source, 0, "the file is empty", "write a definition, or remove the file", "AP116"))
    return source


def _at(source: Source, index: int, what: str, remedy: str, code: str) -> Problem:
    line, column = source.place(min(index, len(source.text)))
    return Problem(source.path, line, column, what, remedy, code=code)


def _misread(error: yaml.MarkedYAMLError, source: Source) -> Problem:
    """What libyaml says, in our words, and where the mistake was made rather than where it was noticed."""
    text, said = source.text, error.problem or ""
    mark = error.problem_mark or error.context_mark
    index = min(mark.index, len(text)) if mark else 0
    begun = min(error.context_mark.index, index) if error.context_mark else index
    line = text[begun : text.find("\n", begun) if "\n" in text[begun:] else len(text)]
    if "could not find expected ':'" in said:
        word = line.partition(" #")[0].strip()[:40]
        return _at(
            source, begun, f'"{word}" is no key with a value', "write key: value, with a space after the colon", "AP106"
        )
    comment = re.search(r"(?<=[\[{,\s])#", line)
    if "expected ','" in said and line[:1] in ("[", "{") and comment:
        what = "a # begins a comment here, so that the bracket before it is never closed"
        return _at(source, begun + comment.start(), what, 'quote the name: "#channel"', "AP106")
    return _at(source, index, *_explained(error, text, index), "AP101")


def _explained(error: yaml.MarkedYAMLError, text: str, index: int) -> tuple[str, str]:
    said = error.problem or "it is not YAML"
    if text[index : index + 1] == "\t":
        return "a tab stands where only spaces may", "indent with spaces"
    if "mapping values are not allowed" in said:
        return "a colon stands where none can", "quote the text that contains it, or correct the indentation"
    if "unexpected end of stream" in said or "document end" in said:
        return "a quote or bracket is not closed", "close it"
    if "start any token" in said:
        return f'"{text[index : index + 1]}" cannot start a value', "quote the text"
    return f"the YAML cannot be read: {said}", "check the indentation, quotes and brackets around this place"


def _solid(raw: str, skip: int, style: str) -> Iterator[int]:
    """Indexes of the characters that aren't white space in the value that `raw` is written for."""
    if style == '"':
        for match in _ESCAPE.finditer(raw, skip):
            escaped = match.group(1)
            if not (escaped[0] in _WHITE_ESCAPES if escaped else match.group().isspace()):
                yield match.start()
        return
    index = skip
    while index < len(raw):
        if style == "'" and raw.startswith("''", index):
            yield index
            index += 2
            continue
        if not raw[index].isspace():
            yield index
        index += 1
