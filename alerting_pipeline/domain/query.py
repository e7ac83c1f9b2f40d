"""`query:`, instead of `model:` one SELECT over {{ ref('…') }}, parsed once and checked by an allow-list.

The refs are found in the text, so that lineage derives from the query and nobody types an edge twice. The relations are
put in by the caller when it renders the query: the marts, or the rows of a case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, TokenError

from alerting_pipeline.domain import sql_allow_list as allowed
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.condition_check import BadSql, SqlProblem, node_problem, syntax_problem, within_limits
from alerting_pipeline.domain.nearest import did_you_mean

_REF = re.compile(r"\{\{\s*ref\(\s*(['\"])([A-Za-z0-9_]+)\1\s*\)\s*\}\}")
_PREFIX = "ref:"
_EXAMPLE = "write select … from {{ ref('mart') }}"


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query. `refs` are the models that it reads, `columns` what it returns, with types where known."""

    text: str
    tree: exp.Select = field(compare=False, repr=False)
    refs: frozenset[str]
    columns: Mapping[str, str]
    unique_keys: tuple[frozenset[str], ...]
    uses_as_of: bool

    def sql(self, *, relation: Callable[[str], str], as_of: str, dialect: str = "postgres") -> str:
        """The query as SQL: `relation` gives what stands for a model, `as_of` what stands for :as_of."""

        def rendered(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Placeholder):
                return exp.var(as_of)
            if isinstance(node, exp.Table) and node.name.startswith(_PREFIX):
                model = node.name.removeprefix(_PREFIX)
                alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(model, quoted=True))
                return exp.Table(this=exp.var(relation(model)), alias=alias)
            return node

        return self.tree.copy().transform(rendered, copy=False).sql(dialect=dialect, comments=False)

    def model(self, name: str) -> Model:
        """What the query returns, in the form in which definitions are checked against a model."""
        return Model(
            name=name,
            unique_id=f"query.{name}",
            relation="",
            columns=self.columns,
            unique_keys=self.unique_keys,
        )


def parse_query(text: str, catalog: Catalog) -> Query:
    """Read and check a query. Raises BadSql with every problem found, each with its character offset."""
    within_limits(text)
    refs = {match.group(2): match.start() for match in _REF.finditer(text)}
    problems = [_unknown_ref(name, offset, catalog) for name, offset in refs.items() if name not in catalog.marts]
    # The same length as before, so that offsets stay those of the text as written.
    plain = _REF.sub(lambda match: f'"{_PREFIX}{match.group(2)}"'.ljust(len(match.group())), text)
    left = re.search(r"\{\{|\{%|\{#", plain)
    if left:
        problems.append(
            SqlProblem(left.start(), "a query has no template code but {{ ref('…') }}", _EXAMPLE, code="AP307")
        )
        raise BadSql(tuple(problems))
    tree = _select(plain)
    problems += _problems(plain, tree, refs)
    if not refs:
        problems.append(SqlProblem(0, "the query reads no model", _EXAMPLE, code="AP307"))
    if problems:
        raise BadSql(tuple(sorted(set(problems), key=lambda problem: problem.offset)))
    columns = _columns(plain, tree, {name: catalog.models[name] for name in refs})
    return Query(
        text=text,
        tree=tree,
        refs=frozenset(refs),
        columns=columns,
        unique_keys=_unique_keys(tree, columns, catalog),
        uses_as_of=any(True for _ in tree.find_all(exp.Placeholder)),
    )


def _unknown_ref(name: str, offset: int, catalog: Catalog) -> SqlProblem:
    known = "is not a mart, and definitions read only marts" if name in catalog.models else "is not a model of dbt"
    remedy = did_you_mean(name, catalog.marts) or "ref a mart of the dbt project"
    return SqlProblem(offset, f'"{name}" {known}', remedy, code="AP307")


def _select(text: str) -> exp.Select:
    try:
        found = [tree for tree in sqlglot.parse(text, read="postgres") if tree is not None]
    except (ParseError, TokenError) as error:
        raise BadSql((syntax_problem(text, error, _EXAMPLE),)) from None
    except (RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError):
        raise BadSql((SqlProblem(0, "this is not SQL that can be read", _EXAMPLE, code="AP307"),)) from None
    if len(found) != 1 or not isinstance(found[0], exp.Select):
        raise BadSql((SqlProblem(0, "a query is one SELECT", _EXAMPLE, code="AP307"),))
    return found[0]


def _problems(text: str, tree: exp.Select, refs: Collection[str]) -> list[SqlProblem]:
    # A name of the catalog is none of ours even where a WITH defines it: outside its scope it means the catalog again.
    names = {name for cte in tree.find_all(exp.CTE) if not (name := cte.alias_or_name.lower()).startswith("pg_")}
    found: list[SqlProblem] = []
    for node in tree.walk():
        if isinstance(node, exp.Table):
            name = node.name
            is_known = name.removeprefix(_PREFIX) in refs if name.startswith(_PREFIX) else name.lower() in names
            if not isinstance(node.this, exp.Identifier) or not is_known or node.args.get("db"):
                shown = node.sql(dialect="postgres")
                offset = max(text.lower().find(name.lower()), 0)
                found.append(SqlProblem(offset, f"{shown} is not read through ref", _EXAMPLE, code="AP307"))
        elif isinstance(node, exp.Placeholder) and node.this != "as_of":
            offset = max(text.find(f":{node.this}"), 0)
            remedy = "use it in the condition; a query knows :as_of alone"
            found.append(SqlProblem(offset, f'":{node.this}" cannot stand in a query', remedy, code="AP307"))
        elif isinstance(node, exp.SetOperation):
            offset = max(text.lower().find(node.key), 0)
            found.append(SqlProblem(offset, f"a query has no {node.key}", "combine the models in dbt", code="AP307"))
        elif type(node) in allowed.QUERY_NODES:
            continue
        else:
            problem = node_problem(text, node)
            if problem is not None:
                found.append(replace(problem, what=problem.what.replace("a condition", "a query")))
    return found


def _columns(text: str, tree: exp.Select, models: Mapping[str, Model]) -> dict[str, str]:
    """What the query returns. Names are resolved by sqlglot against the models' columns."""
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify

    def named(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and node.name.startswith(_PREFIX):
            name = node.name.removeprefix(_PREFIX)
            return exp.to_table(name).as_(node.alias or name, table=True)
        return node

    known = {name: {column: kind or "text" for column, kind in model.columns.items()} for name, model in models.items()}
    schema: dict[str, object] = {**known}
    copy = tree.copy().transform(named, copy=False)
    try:
        resolved = annotate_types(
            qualify(copy, schema=schema, dialect="postgres", validate_qualify_columns=all(known.values())),
            schema=schema,
            dialect="postgres",
        )
    except OptimizeError as error:
        raise BadSql((_unresolved(text, str(error), known),)) from None
    except (RecursionError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise BadSql(
            (SqlProblem(0, f"the query cannot be resolved ({type(error).__name__})", _EXAMPLE, code="AP307"),)
        ) from None
    found: dict[str, str] = {}
    for expression in resolved.selects if isinstance(resolved, exp.Query) else ():
        name = expression.alias_or_name
        if not name or name == "*" or re.fullmatch(r"_col_\d+", name):
            raise BadSql((SqlProblem(0, "each column of a query has a name", "write … as name", code="AP307"),))
        if name in found:
            raise BadSql(
                (SqlProblem(max(text.rfind(name), 0), f'two columns are named "{name}"', "rename one", code="AP307"),)
            )
        kind = expression.type.sql(dialect="postgres").lower() if expression.type else ""
        if kind.startswith("struct"):
            raise BadSql(
                (SqlProblem(max(text.rfind(name), 0), f'"{name}" is a whole row', "name its columns", code="AP307"),)
            )
        found[name] = "" if kind in ("unknown", "null") else kind
    return found


def _unresolved(text: str, said: str, schema: Mapping[str, Mapping[str, str]]) -> SqlProblem:
    named = re.search(r"""[Cc]olumn:? ['"]*(?:\w+['"]?\.['"]?)?(\w+)""", said)
    name = named.group(1) if named else ""
    known = {column for columns in schema.values() for column in columns}
    what = f'"{name}" is not a column of what the query reads' if name else "a name of the query cannot be resolved"
    if name in known:
        what = f'"{name}" is a column of more than one model here'
    match = re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) if name else None
    remedy = did_you_mean(name, known - {name}) if name not in known else "write the model's name before it"
    return SqlProblem(
        match.start() if match else 0, what, remedy or "name a column of the models that it reads", code="AP307"
    )


def _unique_keys(tree: exp.Select, columns: Mapping[str, str], catalog: Catalog) -> tuple[frozenset[str], ...]:
    outputs = {
        (item.this.name if isinstance(item, exp.Alias) else item.name).lower(): item.alias_or_name.lower()
        for item in tree.selects
        if isinstance(item.unalias(), exp.Column)
    }
    group = tree.args.get("group")
    if group is not None:
        keys = [name for item in group.expressions if (name := _group_key(item, tree)) is not None]
        complete = len(keys) == len(group.expressions) and all(key in outputs for key in keys)
        return (frozenset(outputs[key] for key in keys),) if complete else ()
    if tree.args.get("distinct") is not None:
        return (frozenset(columns),)
    source = tree.args.get("from_") or tree.args.get("from")
    table = source.this if source is not None else None
    if tree.args.get("joins") or not isinstance(table, exp.Table) or not table.name.startswith(_PREFIX):
        return ()
    model = catalog.models[table.name.removeprefix(_PREFIX)]
    has_star = any(isinstance(item, exp.Star) for item in tree.selects)
    kept = {name: name for name in columns} if has_star else outputs
    return tuple(frozenset(kept[name] for name in key) for key in model.unique_keys if key <= set(kept))


def _group_key(item: exp.Expr, tree: exp.Select) -> str | None:
    """The column that is grouped by, also where it is given by its position; None for an expression."""
    if isinstance(item, exp.Literal) and not item.is_string and 0 < int(item.this) <= len(tree.selects):
        item = tree.selects[int(item.this) - 1].unalias()
    return item.name.lower() if isinstance(item, exp.Column) else None
