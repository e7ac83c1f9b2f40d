"""Data forges no link, mention, header or formula, in any form, wherever it stands in the message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt

from alerting_pipeline.rendering import email, markdown, record, slack, text
from tests.rendering.cases import HOSTILE, OPENED, hostile, hostile_digest
from tests.sinks.slack_api import check_content

every_string = pytest.mark.parametrize("string", HOSTILE.values(), ids=HOSTILE.keys())
HIDDEN = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\x00-\x09\x0b-\x1f\x7f]")


@every_string
def test_slack_takes_the_message(string: str) -> None:
    message = hostile(string)
    check_content({"text": slack.fallback(message), "blocks": slack.blocks(message)})


@every_string
def test_slack_shows_no_control_sequence_but_our_own_dates(string: str) -> None:
    message = hostile(string)
    marked = [item["text"] for item in objects(slack.blocks(message)) if item.get("type") == "mrkdwn"]
    for said in [*marked, slack.fallback(message), slack.note_of_change(message)]:
        assert not re.sub(r"<!date\^\d+\^\{date_short_pretty\} at \{time\}\|[^<>|]*>", "", said).count("<")
        assert not re.search(r"&(?!amp;|lt;|gt;)", said)
        assert not HIDDEN.search(said)


@every_string
def test_slack_takes_a_message_about_many_with_our_own_links_alone(string: str) -> None:
    message = hostile_digest(string)
    check_content({"text": slack.fallback(message), "blocks": slack.blocks(message)})
    for item in objects(slack.blocks(message)):
        if item.get("type") == "mrkdwn":
            assert item["verbatim"] is True
            said = re.sub(r"<https://example\.com/[^<>|]*\|[^<>|]*>", "", item["text"])
            assert not said.count("<")
            assert not re.search(r"&(?!amp;|lt;|gt;)", said)
            assert not HIDDEN.search(said)


@every_string
def test_a_mail_about_many_has_our_elements_and_addresses_only(string: str) -> None:
    seen = Elements()
    seen.feed(email.email(hostile_digest(string)).html)
    assert seen.names <= {
        "html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "ul", "li", "span", "a",
    }  # fmt: skip
    assert all(address.startswith(("http://localhost:8080/", "https://example.com/")) for address in seen.addresses)


@every_string
def test_slack_text_of_data_is_verbatim(string: str) -> None:
    for item in objects(slack.blocks(hostile(string))):
        assert item.get("type") != "mrkdwn" or item["verbatim"] is True


@every_string
def test_slack_buttons_lead_to_web_pages_only(string: str) -> None:
    for item in objects(slack.blocks(hostile(string))):
        assert item.get("url", "https://").startswith(("http://localhost:8080/", "https://"))


@every_string
def test_mail_has_our_elements_and_addresses_only(string: str) -> None:
    seen = Elements()
    seen.feed(email.email(hostile(string)).html)
    assert seen.names <= {
        "html", "head", "meta", "title", "body", "div", "h1", "p", "table", "tbody", "tr", "th", "td", "a",
    }  # fmt: skip
    assert seen.attributes <= {"lang", "charset", "name", "content", "class", "style", "role", "href"}
    assert all(address.startswith(("http://localhost:8080/", "https://example.com/")) for address in seen.addresses)


@every_string
def test_subject_is_one_line(string: str) -> None:
    subject = email.subject(hostile(string))
    assert len(subject) <= email.LONGEST_SUBJECT
    assert not HIDDEN.search(subject)
    assert "\n" not in subject


@every_string
def test_text_has_no_line_that_data_made(string: str) -> None:
    said = text.text(hostile(string))
    assert not HIDDEN.search(said)
    assert "\nOwner: nobody" not in said
    assert "\nBcc:" not in said


@every_string
def test_markdown_renders_no_markup_of_data(string: str) -> None:
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown.markdown(hostile(string)))
    seen = Elements()
    seen.feed(html)
    assert seen.names <= {"h3", "p", "em", "table", "thead", "tbody", "tr", "th", "td", "a"}
    assert all(address.startswith(("http://localhost:8080/", "https://example.com/")) for address in seen.addresses)


@every_string
def test_record_fits_a_cell(string: str) -> None:
    for value in record.record(hostile(string)).values():
        assert not isinstance(value, str) or len(value) <= record.LONGEST_TEXT


def test_javascript_is_no_link() -> None:
    for url in (
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "https://user@evil.example",
        "https://",
        "ftp://x",
    ):
        assert text.web_link(url) == ""
    assert text.web_link("https://example.com/?a=1&b=2#c") == "https://example.com/?a=1&b=2#c"


def test_long_text_is_cut_where_no_entity_is_split() -> None:
    said = slack.escape("&" * 5_000)
    assert len(said) <= slack.LONGEST_TEXT
    assert said.rstrip("…").replace("&amp;", "") == ""


def test_more_fields_than_slack_takes_are_said_to_be_more() -> None:
    from tests.rendering.cases import CASES

    laid = slack.blocks(CASES["many_fields"])
    assert len(laid) <= slack.MOST_BLOCKS
    assert any("fields are not shown" in said for said in texts(laid))


def test_checklist_comes_in_order() -> None:
    said = " ".join(texts(slack.blocks(OPENED)))
    places = [
        said.index(part) for part in ("💳", "payments", "Fred Enriquez", "1.5 × the limit", "risk-ops", "4 h", "Open")
    ]
    assert places == sorted(places)


def test_own_columns_cannot_be_taken_over_by_data() -> None:
    from dataclasses import replace

    row = record.record(replace(OPENED, record={"status": "paid", "incident_id": 1}))
    assert (row["status"], row["incident_id"]) == ("open", 41)
    assert (row["data_status"], row["data_incident_id"]) == ("paid", 1)


class Elements(HTMLParser):
    """The elements, attributes and addresses that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "action"}]


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def texts(blocks: list[dict[str, Any]]) -> Iterator[str]:
    return (item["text"] for item in objects(blocks) if isinstance(item.get("text"), str))
