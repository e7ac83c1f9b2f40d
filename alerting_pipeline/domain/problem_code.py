"""Stable codes for the kinds of mistakes that files can have, each with a page under docs/errors.

A frequent kind is told by its sentence, in this one table, so that the modules that find problems know nothing of
documentation. Every other mistake has the code of what it is in: a text of SQL, one of the shared files, a definition.
"""

from __future__ import annotations

import re

from alerting_pipeline.domain.problem import Problem

CODES: dict[str, re.Pattern[str]] = {
    "AP101": re.compile(r"^the YAML cannot be read"),
    "AP102": re.compile(r'^unknown key "'),
    "AP103": re.compile(r"^\w+ is missing"),
    "AP104": re.compile(r"is not (a plain decimal number|a whole number|a boolean|a duration|an instant|a day)\b"),
    "AP105": re.compile(r" is not one of "),
    "AP106": re.compile(
        r"stands twice, first in|is one word, without a value|is no key with a value|begins a comment here"
    ),
    "AP107": re.compile(r"is (over|under) the (maximum|minimum)|is greater than maximum"),
    "AP201": re.compile(r'^owner ".*" is not a team'),
    "AP202": re.compile(r"is not a model of the dbt project|is not a mart, and definitions read only marts"),
    "AP203": re.compile(r"is not a column of "),
    "AP204": re.compile(r"is not a file of (this repository|alert_definitions)"),
    "AP206": re.compile(r"is not a (role in|destination in|sheet in|table in|csv in)"),
    "AP207": re.compile(r'" is a (text|number|time|boolean|duration|json), not a'),
    "AP301": re.compile(r"which is no column and no parameter|\ba template may not\b|^(\w+: )?the template "),
    "AP302": re.compile(r"has no time allowed \(SLA\)"),
    "AP303": re.compile(r"^the model may have several rows per entity"),
}


DBT, SQL, REST = "AP205", "AP304", "AP199"
FILES = {"people.yaml": "AP401", "routing.yaml": "AP402", "destinations.yaml": "AP403"}
ALL = frozenset({*CODES, DBT, SQL, REST, *FILES.values()})


def code_of(problem: Problem) -> str:
    """The code of an error's kind; "" for a note, which is no mistake."""
    if problem.severity == "note":
        return ""
    told = next((code for code, sentence in CODES.items() if sentence.search(problem.what)), "")
    if told:
        return told
    if problem.path == "dbt_project":
        return DBT
    if problem.topic == "sql":
        return SQL
    return FILES.get(problem.path.rpartition("/")[2], REST)


def page_of(code: str) -> str:
    """The page about a code, as a path of this repository; "" for no code."""
    return f"docs/errors/{code}.md" if code else ""
