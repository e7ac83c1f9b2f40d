"""The names that templates use, for checks that know nothing of the template language; imported when it is needed."""

from __future__ import annotations


def template_names(text: str) -> frozenset[str]:
    """Of a line: summary, link, subject. Raises ValueError with a sentence for what can't be read."""
    from alerting_pipeline.rendering.template import BadTemplate, variables

    try:
        return variables(text)
    except BadTemplate as error:
        raise ValueError(str(error)) from None


def body_names(text: str) -> frozenset[str]:
    """Of the body of a report. Raises ValueError with a sentence that names the line."""
    from alerting_pipeline.rendering.body_template import body_names as names_of
    from alerting_pipeline.rendering.template import BadTemplate

    try:
        return names_of(text)
    except BadTemplate as error:
        raise ValueError(f"line {error.line}: {error}") from None
