"""Stories told through the command line, each in a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.command_line import Shell


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A terminal whose home is kept for all tests of one module; the path has a space, as people's paths do."""
    return Shell(tmp_path_factory.mktemp("a person's home"), {})


@pytest.fixture(scope="module")
def demo_home(shell: Shell) -> Path:
    """A home in which the sample company ran once."""
    shell.alerting("demo", "--once", "--days", "3", timeout=600)
    return shell.home
