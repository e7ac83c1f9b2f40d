"""What is written is what somebody once read and found right."""

from __future__ import annotations

import json

import pytest

from alerting_pipeline.rendering.message import Message
from tests.rendering import golden
from tests.rendering.cases import CASES, HOSTILE, hostile

EXPECTED = dict(golden.files())


@pytest.mark.parametrize("name", EXPECTED)
def test_rendering_is_as_it_was_read(name: str) -> None:
    written = (golden.FOLDER / name).read_bytes().decode()
    assert EXPECTED[name].encode("utf-8", "backslashreplace").decode() == written, "python -m tests.rendering.golden"


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in golden.FOLDER.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("message", [*CASES.values(), *map(hostile, HOSTILE.values())])
def test_message_survives_its_json_form(message: Message) -> None:
    assert Message.from_json(json.loads(json.dumps(message.to_json()))) == message


def test_message_of_another_version_is_read() -> None:
    stored = {**CASES["opened"].to_json(), "a_later_key": 1}
    del stored["runbook"]
    assert Message.from_json(stored).runbook == ""
