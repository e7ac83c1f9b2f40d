"""Names of secrets: a destination says which variable holds one, never the secret itself.

What holds this program's own secrets can't be named: whoever writes a destination decides where its secret is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from alerting_pipeline.domain.ports import Undelivered
from alerting_pipeline.domain.problem import Mistake

OWN = ("ALERTING_", "SLACK_", "GOOGLE_", "DAGSTER_", "DBT_", "PG")
"""How the names of variables begin that are this program's own, or of what it is made of."""

ReadSecret = Callable[[str], SecretStr | None]


def _not_ours(name: str) -> str:
    if name.startswith(OWN):
        raise Mistake("AP404", f"{name} is this program's own; name another variable, such as RISK_HOOK_SECRET")
    return name


SecretName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,99}$"), AfterValidator(_not_ours)]
"""The name of an environment variable (or, with _FILE behind it, of one that holds a path)."""


def secret(name: str, read: ReadSecret) -> str:
    """The secret. Raises Undelivered, which may pass, where the variable is not set."""
    found = read(name)
    if found is None:
        raise Undelivered(f"{name} is not set; set it, or {name}_FILE, where deliveries are made", retryable=True)
    return found.get_secret_value()
