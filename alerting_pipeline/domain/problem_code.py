"""Stable codes for the kinds of mistakes that files can have, each with a page under docs/errors.

A code is stated where the problem is found (`Finding`, `Problem`, `SqlProblem`, `Mistake`), never guessed from its
sentence: so a sentence can be bettered without moving a page, and a new problem can't be made without a kind.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "AP101": "The YAML can't be read",
    "AP102": "A key that there is not",
    "AP103": "Something is missing",
    "AP104": "Not a number, or not true or false",
    "AP105": "Not one of the choices",
    "AP106": "A slip in the YAML",
    "AP107": "A value out of its bounds",
    "AP108": "A value of another kind",
    "AP109": "Not a time",
    "AP110": "Too large, or not plain text",
    "AP111": "A name that can't be taken",
    "AP112": "Keys that don't go together",
    "AP113": "Named twice",
    "AP114": "Times in the wrong order",
    "AP115": "What can't be inherited",
    "AP116": "The file is no definition",
    "AP117": "The file is not read",
    "AP118": "A value off its step",
    "AP201": "The owner is not a team",
    "AP202": "The model can't be read",
    "AP203": "A column that there is not",
    "AP204": "A file is not there",
    "AP205": "The dbt project can't be read",
    "AP206": "A name that there is not",
    "AP207": "A column of the wrong kind",
    "AP208": "An expectation that can't be checked",
    "AP209": "Not a built-in definition",
    "AP210": "A parameter that there is not",
    "AP301": "A template that can't be filled in",
    "AP302": "A severity without a time allowed",
    "AP303": "Several rows per entity",
    "AP304": "SQL that can't be read",
    "AP305": "SQL that a condition may not use",
    "AP306": "Values that can't be compared",
    "AP307": "A query that can't be used",
    "AP308": "Levels of severity in the wrong order",
    "AP309": "No deviance",
    "AP310": "A case that can't be run",
    "AP311": "A link that leads nowhere",
    "AP312": "A report without a schedule",
    "AP313": "A data definition that expects nothing",
    "AP314": "A row that can't be written",
    "AP401": "A person that there is not",
    "AP402": "A branch that takes nothing",
    "AP403": "A destination that can't be reached",
    "AP404": "A secret in a file",
    "AP405": "Somebody who left is still counted on",
    "AP406": "Nobody is on call",
    "AP407": "Nobody can be reached",
    "AP408": "A branch that nobody may receive",
    "AP409": "An override that does not fit",
    "AP501": "A source's declaration",
    "AP502": "A pattern that finds no file",
    "AP503": "A mode that does not fit",
    "AP504": "Two sources of one name",
    "AP505": "A column that raw can't have",
}
"""Code and title. 1xx: how a file is written; 2xx: what it names; 3xx: what it means; 4xx: people, routing and
destinations; 5xx: sources."""


def page_of(code: str) -> str:
    """The page about a code, as a path of this repository; "" for no code."""
    return f"docs/errors/{code}.md" if code else ""
