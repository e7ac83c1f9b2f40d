from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.usecases.world import World


@pytest.fixture
def world(database: Any) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()
