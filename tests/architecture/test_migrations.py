"""Migrations are one line: each follows the one before it, under the number that its file begins with."""

from __future__ import annotations

import re

from tests.conftest import PROJECT

VERSIONS = PROJECT / "alerting_pipeline" / "store" / "migrations" / "versions"


def test_migrations_are_one_line_in_the_order_of_their_files() -> None:
    line = []
    for path in sorted(VERSIONS.glob("[0-9]*.py")):
        text = path.read_text()
        revision, before = (re.search(rf"^{name} = (.+)$", text, re.M) for name in ("revision", "down_revision"))
        assert revision is not None and before is not None, path.name
        assert path.name.startswith(revision.group(1).strip('"')), path.name
        line.append((path.name, revision.group(1), before.group(1)))
    befores = [before for _, _, before in line]
    assert befores == ["None", *(revision for _, revision, _ in line)][:-1], line
