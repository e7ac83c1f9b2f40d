"""A link that ends a report can be made by us alone, and says whom it is about."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting_pipeline.domain.unsubscription import Unsubscription, read_token, token_for

KEY = b"k" * 32
TOKEN = token_for("reminder", "Ada@Example.com", KEY)


def test_a_token_says_the_report_and_the_address_in_lower_case() -> None:
    assert read_token(TOKEN, KEY) == Unsubscription("reminder", "ada@example.com")


def test_a_token_is_safe_in_a_path() -> None:
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_token_of_another_key_is_refused() -> None:
    assert read_token(TOKEN, b"x" * 32) is None


def test_another_address_with_the_same_signature_is_refused() -> None:
    content = json.dumps(["reminder", "ben@example.com"], separators=(",", ":")).encode()
    forged = base64.urlsafe_b64encode(content).rstrip(b"=").decode() + "." + TOKEN.partition(".")[2]
    assert read_token(forged, KEY) is None


def test_every_changed_character_is_noticed() -> None:
    for place, sign in enumerate(TOKEN):
        other = "A" if sign != "A" else "B"
        changed = TOKEN[:place] + other + TOKEN[place + 1 :]
        found = read_token(changed, KEY)
        # The last character of a base64 group may carry bits that stand for nothing.
        assert found is None or found == Unsubscription("reminder", "ada@example.com")


@pytest.mark.parametrize("bad", ["", ".", "a", "a.b", "ä.b", "." * 2_000, TOKEN.partition(".")[0], TOKEN + "x"])
def test_what_is_no_token_is_refused(bad: str) -> None:
    assert read_token(bad, KEY) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_report_and_address_come_back(report: str, address: str) -> None:
    if any(0xD800 <= ord(sign) <= 0xDFFF for sign in report + address):
        return
    assert read_token(token_for(report, address, KEY), KEY) == Unsubscription(report, address.lower())
