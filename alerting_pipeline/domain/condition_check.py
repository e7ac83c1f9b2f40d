"""The checks of a condition's tree: only listed SQL, only known names, never a clock or another relation.

Each refusal is a sentence with the place in the text and what to write instead. All of them are found in one pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from alerting_pipeline.domain import sql_allow_list as allowed
from alerting_pipeline.domain.nearest import did_you_mean

LONGEST_TEXT = 4000
MOST_TOKENS = 800
DEEPEST = 40
_PYTHON_PLACEHOLDER = re.compile(r"%\(|%s\b")
_OTHER_RELATION = "a condition cannot read another relation"
_USE_AS_OF = "use :as_of, which is the time of the evaluation"


@dataclass(frozen=True, slots=True)
class SqlProblem:
    """What is wrong at a character offset of the SQL text, and what to write instead."""

    offset: int
    what: str
    remedy: str
    code: str = field(kw_only=True)


class BadSql(ValueError):
    """SQL that is not accepted, with every problem found in it."""

    def __init__(self, problems: tuple[SqlProblem, ...]) -> None:
        super().__init__("; ".join(f"{problem.what}; {problem.remedy}" for problem in problems))
        self.problems = problems


def column_name(node: exp.Column) -> str:
    """The column's name as Postgres folds it: lower case, unless it was quoted."""
    identifier = node.this
    if isinstance(identifier, exp.Identifier) and not identifier.args.get("quoted"):
        return str(identifier.this).lower()
    return str(node.name)


def within_limits(text: str) -> None:
    """Refuse what is too long or too deep to be parsed safely: the parser is recursive."""
    if not text.strip():
        raise BadSql((SqlProblem(0, "the SQL is empty", "write one boolean expression", code="AP304"),))
    if len(text) > LONGEST_TEXT:
        raise BadSql(
            (SqlProblem(0, f"the SQL is longer than {LONGEST_TEXT} characters", "move logic into dbt", code="AP304"),)
        )
    control = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text)
    if control:
        raise BadSql((SqlProblem(control.start(), "the SQL contains a control character", "remove it", code="AP304"),))
    depth = 0
    for match in re.finditer(r"\(|\)|\[|\]|\bnot\b|\bcase\b|\bend\b|-\s*(?=[-+(])", text, re.IGNORECASE):
        sign = match.group().lower()
        depth += -1 if sign in (")", "]", "end") else 1
        if depth > DEEPEST:
            raise BadSql(
                (SqlProblem(match.start(), "the SQL is nested too deeply", "move logic into dbt", code="AP304"),)
            )
    if len(re.findall(r"\w+|[^\w\s]", text)) > MOST_TOKENS:
        raise BadSql(
            (SqlProblem(0, f"the SQL has more than {MOST_TOKENS} words", "move logic into dbt", code="AP304"),)
        )


def syntax_problem(text: str, error: ParseError | TokenError, remedy: str) -> SqlProblem:
    """What sqlglot could not read, and where."""
    details = getattr(error, "errors", None)
    if not details:
        return SqlProblem(_unclosed(text), "a quote or comment is not closed", "close it", code="AP304")
    first = details[0]
    before, near = first.get("start_context") or "", first.get("highlight") or ""
    offset = text.find(before + near) if before + near else -1
    offset = max(offset, 0) + len(before) if offset >= 0 else 0
    if not near:
        return SqlProblem(len(text.rstrip()), "the SQL ends too early", remedy, code="AP304")
    end = first.get("end_context") or ""
    if not end.strip() and "missing" in first.get("description", ""):
        return SqlProblem(offset, f'the SQL ends too early, after "{near}"', remedy, code="AP304")
    return SqlProblem(offset, f'the SQL cannot be read at "{near}"', remedy, code="AP304")


def check(
    text: str, tree: exp.Expr, *, columns: Collection[str] | None, parameters: Collection[str]
) -> list[SqlProblem]:
    """Every problem of the tree, in the order of the text. `columns` None: names of columns are not checked."""
    problems: list[SqlProblem] = []
    within_others: set[int] = set()
    for node in tree.walk(bfs=True):
        if id(node.parent) in within_others:
            within_others.add(id(node))
            continue
        problem = _problem(text, node, columns, parameters)
        if problem is not None:
            problems.append(problem)
        if problem is not None and problem.what == _OTHER_RELATION:
            within_others.add(id(node))  # a subquery is refused once, and not again for each part of it
    python = _PYTHON_PLACEHOLDER.search(text)
    if python and any(isinstance(node, exp.Placeholder) for node in tree.walk()) and ":" not in text:
        problems.append(SqlProblem(python.start(), "a parameter is written :name", "write :name", code="AP210"))
    if not problems and not _may_be_boolean(tree):
        problems.append(
            SqlProblem(
                0,
                "the SQL is not a condition, for its value is not true or false",
                "compare it with something",
                code="AP306",
            )
        )
    return sorted(set(problems), key=lambda problem: problem.offset)


def node_problem(text: str, node: exp.Expr) -> SqlProblem | None:
    """What is wrong with one node by itself, whatever it stands in; names are not looked at."""
    if type(node) not in allowed.NODES:
        return _refused(text, node)
    if isinstance(node, exp.In) and (node.args.get("query") or node.args.get("unnest") or node.args.get("field")):
        return SqlProblem(_find(text, "in"), _OTHER_RELATION, "join it in dbt", code="AP305")
    if isinstance(node, allowed.COMPARISONS) and isinstance(node.this, allowed.COMPARISONS):
        return SqlProblem(
            _first_place(text, node), "two comparisons stand in a row", "join them with and", code="AP304"
        )
    if isinstance(node, exp.Literal):
        return _literal_problem(text, node)
    if isinstance(node, exp.Cast):
        return _cast_problem(text, node)
    if isinstance(node, exp.Extract | exp.TimestampTrunc):
        return _field_problem(text, node)
    if isinstance(node, exp.Any) and not isinstance(node.this.unnest(), exp.Array | exp.Placeholder):
        return SqlProblem(
            _find(text, "any"), "any() takes a parameter of type list", "write any(:name) or in (…)", code="AP210"
        )
    return None


def _problem(
    text: str, node: exp.Expr, columns: Collection[str] | None, parameters: Collection[str]
) -> SqlProblem | None:
    if isinstance(node, exp.Column):
        return _column_problem(text, node, columns, parameters)
    if isinstance(node, exp.Placeholder):
        return _parameter_problem(text, node, columns, parameters)
    return node_problem(text, node)


def _refused(text: str, node: exp.Expr) -> SqlProblem:
    if isinstance(node, allowed.CLOCKS):
        return _clock_problem(text, node)
    if isinstance(node, exp.Anonymous | exp.Func):
        name = _function_name(node)
        offset = _find(text, name)
        if name in allowed.CLOCK_NAMES:
            return SqlProblem(offset, f"{name}() reads a clock", _USE_AS_OF, code="AP305")
        if isinstance(node, exp.AggFunc):
            return SqlProblem(
                offset, f"{name}() sums rows up, and a condition sees one row", "compute it in dbt", code="AP305"
            )
        hint = did_you_mean(name, allowed.FUNCTION_NAMES)
        return SqlProblem(
            offset,
            f"{name}() is not a function that a condition may call",
            hint or "compute it in dbt, as a column",
            code="AP305",
        )
    if isinstance(node, exp.Query | exp.Subquery | exp.Exists | exp.Table | exp.From):
        return SqlProblem(_find(text, "select"), _OTHER_RELATION, "join it in dbt", code="AP305")
    if isinstance(node, exp.Window | exp.WindowSpec):
        return SqlProblem(
            _find(text, "over"), "a condition sees one row, so it has no window", "compute it in dbt", code="AP305"
        )
    if isinstance(node, exp.RegexpLike | exp.RegexpILike | exp.SimilarTo):
        return SqlProblem(
            _find(text, "~"), "a condition has no regular expressions", "use like, or compute it in dbt", code="AP305"
        )
    what = re.sub(r"(?<!^)(?=[A-Z])", " ", type(node).__name__).lower()
    offset = _find(text, what) or _first_place(text, node)
    return SqlProblem(offset, f"a condition may not contain this SQL ({what})", "compute it in dbt", code="AP305")


def _clock_problem(text: str, node: exp.Expr) -> SqlProblem:
    for match in re.finditer(r"[a-z_]+", text.lower()):
        if match.group() in allowed.CLOCK_NAMES:
            call = "()" if text[match.end() :].lstrip().startswith("(") else ""
            return SqlProblem(match.start(), f"{match.group()}{call} reads a clock", _USE_AS_OF, code="AP305")
    return SqlProblem(_first_place(text, node), "the SQL reads a clock", _USE_AS_OF, code="AP305")


def _column_problem(
    text: str, node: exp.Column, columns: Collection[str] | None, parameters: Collection[str]
) -> SqlProblem | None:
    name = column_name(node)
    offset = _find(text, node.name)
    if node.args.get("table") is not None:
        whole = ".".join(part.name for part in node.parts)
        return SqlProblem(
            _find(text, node.parts[0].name), f"{whole} names a relation", f"write {name} alone", code="AP305"
        )
    if columns is None or name in columns:
        return None
    if name in parameters:
        return SqlProblem(offset, f'"{name}" is a parameter, not a column', f"write :{name}", code="AP203")
    known = f"it has {', '.join(sorted(columns)[:12])}" if columns else "it has none"
    if isinstance(node.parent, exp.EQ | exp.NEQ | exp.In) and node is not node.parent.this:
        known = f"write '{node.name}' if it is a text; {known}"
    return SqlProblem(
        offset, f'"{name}" is not a column of the model', did_you_mean(name, columns) or known, code="AP203"
    )


def _parameter_problem(
    text: str, node: exp.Placeholder, columns: Collection[str] | None, parameters: Collection[str]
) -> SqlProblem | None:
    name = node.this
    if not isinstance(name, str) or not name:
        return SqlProblem(_find(text, "?"), "a parameter has a name", "write :name", code="AP210")
    if name in parameters:
        return None
    offset = text.find(f":{name}")
    if columns and name in columns:
        return SqlProblem(max(offset, 0), f'":{name}" is a column, not a parameter', f"write {name}", code="AP210")
    hint = did_you_mean(name, parameters) or f"declare it under parameters: {{{name}: {{default: …}}}}"
    return SqlProblem(max(offset, 0), f'":{name}" is not a parameter of this definition', hint, code="AP210")


def _literal_problem(text: str, node: exp.Literal) -> SqlProblem | None:
    if not node.is_string or isinstance(node.parent, exp.Like | exp.ILike):
        return None
    words = set(re.findall(r"[a-z]+", str(node.this).lower()))
    clock = sorted(words & allowed.CLOCK_WORDS)
    if not clock:
        return None
    return SqlProblem(
        _find(text, clock[0]),
        f"the text '{node.this}' may be read as the current time",
        "use :as_of, or pass the text as a parameter of type text",
        code="AP305",
    )


def _cast_problem(text: str, node: exp.Cast) -> SqlProblem | None:
    to = node.args["to"]
    kind = to.this if isinstance(to, exp.DataType) else None
    if kind not in allowed.TYPES or to.args.get("nested"):
        name = to.sql(dialect="postgres").lower()
        return SqlProblem(
            _find(text, name), f"a condition cannot cast to {name}", f"it may to {allowed.TYPE_NAMES}", code="AP305"
        )
    if kind not in allowed.TEMPORAL_TYPES:
        return None
    builders = [found for found in node.this.walk() if isinstance(found, allowed.TEXT_BUILDERS)]
    parameters = [
        found for found in node.this.walk() if isinstance(found, exp.Placeholder) and str(found.this) != "as_of"
    ]
    if builders or parameters:
        return SqlProblem(
            _first_place(text, node),
            "a text made here cannot be cast to a time",
            "cast a column in dbt, or use :as_of",
            code="AP304",
        )
    return None


def _field_problem(text: str, node: exp.Expr) -> SqlProblem | None:
    unit = node.this if isinstance(node, exp.Extract) else node.args.get("unit")
    name = unit.name.upper() if isinstance(unit, exp.Expr) else ""
    if name in allowed.FIELDS and isinstance(unit, exp.Var | exp.Literal):
        return None
    return SqlProblem(
        _first_place(text, node), f'"{name.lower()}" is not a part of a time', "write day, hour, month …", code="AP305"
    )


def _may_be_boolean(tree: exp.Expr) -> bool:
    root = tree.unnest()
    return isinstance(root, (*allowed.PREDICATES, *allowed.MAYBE_PREDICATES))


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    return node.sql_name().lower() if isinstance(node, exp.Func) else type(node).__name__.lower()


def _find(text: str, word: str) -> int:
    """Where the word stands outside quotes as far as that can be told; 0 if sqlglot spells it otherwise."""
    pattern = re.escape(word)
    if re.match(r"\w", word):
        pattern = rf"(?<![\w:]){pattern}(?!\w)"
    match = re.search(pattern, text, re.IGNORECASE)
    return match.start() if match else 0


def _first_place(text: str, node: exp.Expr) -> int:
    for found in node.walk():
        if isinstance(found, exp.Identifier | exp.Literal | exp.Var) and isinstance(found.this, str):
            offset = text.lower().find(found.this.lower())
            if offset >= 0:
                return offset
    return 0


def _unclosed(text: str) -> int:
    opened = max(text.rfind("'"), text.rfind('"'), text.rfind("/*"), text.rfind("$"))
    return max(opened, 0)
