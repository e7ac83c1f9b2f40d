"""The reference of the environment, from the one module that reads it."""

from __future__ import annotations

from pydantic import SecretStr

from alerting_pipeline.settings import VARIABLES, Settings
from docs.generator.model_text import default_of

_INTRODUCTION = """# Environment

Every variable is optional. Each may be given as `NAME_FILE` too: the path to a file that holds the value, as secrets of
containers are. No secret is logged, stored in the database, or put into the configuration of a run.

| variable | default | |
|---|---|---|
"""
_FOLDERS = {"home": "`.alerting`", "definitions": "`alert_definitions`"}


def page() -> str:
    """The whole page, as Markdown."""
    return _INTRODUCTION + "".join(f"{_row(setting, variable)}\n" for setting, variable in VARIABLES.items())


def _row(setting: str, variable: str) -> str:
    field = Settings.model_fields[setting]
    default = _FOLDERS.get(setting) or default_of(field)
    is_secret = "SecretStr" in str(field.annotation) or SecretStr is field.annotation
    return f"| `{variable}` | {default} | {field.description}{' Secret.' if is_secret else ''} |"
