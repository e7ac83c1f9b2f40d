"""Stable codes for the kinds of mistakes that definition files have most, each with a page under docs/errors.

A code is told by the sentence, in this one table, so that the modules that find problems know nothing of
documentation. What has no code has its remedy in the sentence all the same.
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
    "AP201": re.compile(r'^owner ".*" is not a team'),
    "AP202": re.compile(r"is not a model of the dbt project|is not a mart, and definitions read only marts"),
    "AP203": re.compile(r"is not a column of "),
    "AP204": re.compile(r"is not a file of (this repository|alert_definitions)"),
    "AP301": re.compile(r"which is no column and no parameter"),
    "AP302": re.compile(r"has no time allowed \(SLA\)"),
    "AP303": re.compile(r"^the model may have several rows per entity"),
}


def code_of(problem: Problem) -> str:
    """The problem's code, or "" where its kind has none."""
    return next((code for code, sentence in CODES.items() if sentence.search(problem.what)), "")


def page_of(code: str) -> str:
    """The page about a code, as a path of this repository; "" for no code."""
    return f"docs/errors/{code}.md" if code else ""
