"""`500 per run`: the least a person has to write to say how much is too much."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.written import is_null, text

_PER_RUN = re.compile(r"([1-9][0-9]{0,6}) per run")


def per_run(value: Any) -> int | None:
    """The number; None for nothing. Raises Mistake for anything else."""
    if is_null(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _PER_RUN.fullmatch(text(value))
    if match is None:
        raise Mistake("AP108", f'"{value}" is not a cap; write one such as 500 per run')
    return int(match.group(1))


PerRun = Annotated[
    int | None, BeforeValidator(per_run), WithJsonSchema({"type": "string", "pattern": _PER_RUN.pattern})
]
