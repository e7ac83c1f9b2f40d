"""The errors that people see: one sentence each, with the place and the remedy.

Shells print the sentence and exit; they never show a traceback for one of these. Everything else that is
raised is a defect of the program and may keep its traceback.
"""

from __future__ import annotations


class AlertingError(Exception):
    """Something could not be done, and a person can do something about it. Exit code 1."""


class BadCall(AlertingError):
    """The call itself was wrong: an unknown name, an impossible option. Exit code 2."""
