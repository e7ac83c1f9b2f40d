"""The sources, read from the dbt source YAML, each problem with its place.

dbt doesn't merge a source's `meta.ingest` into its tables' (it replaces the whole key), so it is merged here: a table
says only what differs from its source. No dbt runs, so a load starts at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from alerting_pipeline.adapters.yaml_tree import BadYaml, Node, read
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Mistake, Problem
from alerting_pipeline.domain.source import Column, Freshness, Ingest, Source, Sums, canonical_type
from alerting_pipeline.domain.written import NAME_PATTERN

_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_OUR_COLUMNS = re.compile(r"_(load_id|loaded_at|file|period|delivery)")
Way = tuple[str | int, ...]


@dataclass
class Declared:
    """All sources of a dbt project by name, and what is wrong with the others."""

    sources: dict[str, Source] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def chosen(self, names: tuple[str, ...]) -> list[Source]:
        """The named sources, or all. Raises BadCall for an unknown name, AlertingError for a broken declaration."""
        for name in names:
            if name not in self.sources and not self.problems:
                near = did_you_mean(name, self.sources) or f"there are {', '.join(sorted(self.sources)) or 'none'}"
                raise BadCall(f'"{name}" is not a source; {near}')
        missing = [name for name in names if name not in self.sources]
        if self.problems and (missing or not names):
            raise AlertingError("\n".join(str(problem) for problem in self.problems))
        return [self.sources[name] for name in names or sorted(self.sources)]


def read_sources(dbt_project: Path) -> Declared:
    """Read every YAML file under the project's models that declares sources with `meta.ingest`."""
    declared = Declared()
    models = dbt_project / "models"
    for path in sorted((*models.rglob("*.yml"), *models.rglob("*.yaml"))):
        content = path.read_bytes()
        if not re.search(rb"^\s*[\"']?sources[\"']?\s*:", content, re.MULTILINE):
            continue
        shown = path.relative_to(dbt_project.parent).as_posix()
        try:
            root, problems = read(content, shown)
        except BadYaml as error:
            declared.problems.append(error.problem)
            continue
        declared.problems.extend(problems)
        for source in _tables(root, declared.problems):
            if source.name in declared.sources:
                first = declared.sources[source.name].place
                what = f'the source "{source.name}" is declared twice, first at {first}'
                line = int(source.place.rsplit(":", 1)[1])
                declared.problems.append(Problem(shown, line, 1, what, "remove one of them", code="AP504"))
            else:
                declared.sources[source.name] = source
    return declared


def _tables(root: Node, problems: list[Problem]) -> Iterator[Source]:
    """The tables with `meta.ingest` in one file."""
    for source in _items(root, "sources"):
        for table in _items(source, "tables"):
            own, inherited = _meta(table, "ingest"), _meta(source, "ingest")
            if own is None and inherited is None:
                continue
            made = _source(source, table, _merged(inherited, own), problems)
            if made is not None:
                yield made


def _source(source: Node, table: Node, ingest: dict[str, Node], problems: list[Problem]) -> Source | None:
    name = _text(table, "name")
    found = list(_name_problems(name, table))
    schema = _text(source, "schema") or _text(source, "name")
    if schema != "raw":
        found.append(
            _at(source, f'the schema "{schema}" is not where sources are loaded', "write schema: raw", "AP501")
        )
    columns = list(_columns(table, found))
    try:
        checked = Ingest.model_validate({key: _plain(node) for key, node in ingest.items()})
    except ValidationError as error:
        found.extend(_explained(error, ingest, table))
        checked = None
    if checked is not None and checked.sums is not None:
        found.extend(_sums_problems(checked.sums, columns, ingest["sums"]))
    problems.extend(found)
    if checked is None or found:
        return None
    owner = _meta(table, "owner") or _meta(source, "owner")
    line, _ = table.place()
    return Source(
        name=name,
        ingest=checked,
        columns=tuple(columns),
        schema=schema,
        description=" ".join(_text(table, "description").split()),
        owner=owner.value if owner is not None else None,
        freshness=_freshness(source, table),
        place=f"{table.source.path}:{line}",
    )


def _name_problems(name: str, table: Node) -> Iterator[Problem]:
    if not re.fullmatch(NAME_PATTERN, name) or len(name) > 40:
        what = f'"{name}" can\'t be the name of a raw table'
        yield _at(table, what, "use at most 40 lower-case letters, digits and _", "AP111", "name")


def _sums_problems(sums: Sums, columns: list[Column], node: Node) -> Iterator[Problem]:
    """The table of a source that keeps sums has just the columns that the sums are of and by."""
    declared, kept = {column.name for column in columns}, {*sums.by, *sums.of, sums.count}
    for name in sorted(kept - declared):
        yield _at(node, f'sums names "{name}", which is not a declared column', "declare it under columns", "AP203")
    for name in sorted(declared - kept):
        yield _at(node, f'the column "{name}" is not among the sums', "name it under by or of, or remove it", "AP503")


def _columns(table: Node, problems: list[Problem]) -> Iterator[Column]:
    seen = set()
    for node in _items(table, "columns"):
        name, data_type = _text(node, "name"), _text(node, "data_type") or "text"
        if _OUR_COLUMNS.fullmatch(name):
            continue
        if not re.fullmatch(r"[^\W\d][^\W]*", name) or name != name.casefold() or len(name.encode()) > 63:
            problems.append(
                _at(node, f'"{name}" is not a column name', "write it in lower snake_case", "AP111", "name")
            )
        elif name in seen:
            problems.append(_at(node, f'the column "{name}" is declared twice', "remove one of them", "AP113", "name"))
        elif (known := canonical_type(data_type)) is None:
            what = f'"{data_type}" is not a type that a raw column can have'
            problems.append(_at(node, what, "write one such as text, numeric or timestamptz", "AP505", "data_type"))
        else:
            seen.add(name)
            yield Column(name, known, " ".join(_text(node, "description").split()))


def _explained(error: ValidationError, ingest: dict[str, Node], table: Node) -> Iterator[Problem]:
    for each in error.errors():
        key = str(each["loc"][0]) if each["loc"] else ""
        where = ingest.get(key, table)
        if each["type"] == "extra_forbidden":
            near = did_you_mean(key, Ingest.model_fields) or f"ingest takes {', '.join(Ingest.model_fields)}"
            what, remedy, code = f'"{key}" is not a key of ingest', near, "AP102"
        elif each["type"] == "missing":
            what, remedy, code = f"ingest lacks {key}", f"add {key}:", "AP103"
        elif each["type"] == "enum" or each["type"] == "literal_error":
            what = f'{key} can\'t be "{where.value}"'
            remedy, code = f"write {each.get('ctx', {}).get('expected', 'another')}", "AP105"
        else:
            what, _, remedy = each["msg"].removeprefix("Value error, ").partition("; ")
            raised = each.get("ctx", {}).get("error")
            code = raised.code if isinstance(raised, Mistake) else "AP501"
        line, column = where.place()
        yield Problem(where.source.path, line, column, what, remedy, code=code)


def _freshness(source: Node, table: Node) -> Freshness:
    """dbt's freshness: under `config` or beside it, of the table or else of its source."""
    column, limits = "", None
    for node in (_child(table, "config"), table, _child(source, "config"), source):
        column = column or _text(node, "loaded_at_field")
        limits = limits or _child(node, "freshness")
    return Freshness(_limit(limits, "warn_after"), _limit(limits, "error_after"), column or None)


def _limit(limits: Node | None, key: str) -> timedelta | None:
    node = _child(limits, key)
    count, period = _text(node, "count"), _text(node, "period")
    if not count.isdigit() or period not in _SECONDS:
        return None
    return timedelta(seconds=int(count) * _SECONDS[period])


def _meta(node: Node, key: str) -> Node | None:
    """A key of `config.meta`, or of `meta` as older projects write it."""
    for parent in (_child(node, "config"), node):
        if (found := _child(_child(parent, "meta"), key)) is not None:
            return found
    return None


def _merged(inherited: Node | None, own: Node | None) -> dict[str, Node]:
    """The table's keys over its source's. `trigger` and `sums` may be maps; each is replaced whole."""
    merged: dict[str, Node] = {}
    for node in (inherited, own):
        if node is not None and node.entries is not None:
            merged.update({key: value for key, (_, value) in node.entries.items()})
    return merged


def _plain(node: Node) -> object:
    """Scalars as text, `null` as written; the model knows what each key takes."""
    if node.entries is not None:
        return {key: _plain(value) for key, (_, value) in node.entries.items()}
    if node.items is not None:
        return [_plain(item) for item in node.items]
    return str(node.value)


def _child(node: Node | None, key: str) -> Node | None:
    if node is None or node.entries is None or key not in node.entries:
        return None
    return node.entries[key][1]


def _items(node: Node, key: str) -> list[Node]:
    child = _child(node, key)
    return [each for each in (child.items or []) if each.entries is not None] if child is not None else []


def _text(node: Node | None, key: str) -> str:
    child = _child(node, key)
    return child.value if child is not None and child.value is not None else ""


def _at(node: Node, what: str, remedy: str, code: str, key: str | None = None) -> Problem:
    line, column = node.at((key,) if key else ()).place()
    return Problem(node.source.path, line, column, what, remedy, code=code)
