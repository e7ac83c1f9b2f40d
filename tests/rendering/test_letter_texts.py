"""Letters: values are escaped where they stand, the text says what the HTML says, and data steers no mail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from alerting_pipeline.domain.letter import DueLetter, Letter
from alerting_pipeline.domain.report import REPORT_TEMPLATE_NAMES, ReportDefinition
from alerting_pipeline.rendering.body_template import body_names, render_body
from alerting_pipeline.rendering.letter import compose, mail, message
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.plain_text import plain_text
from alerting_pipeline.rendering.template import BadTemplate
from tests.rendering.cases import HOSTILE
from tests.usecases.report_world import MONDAY, report


def _due(**record: Any) -> DueLetter:
    return DueLetter(
        UUID(int=1), {"id": "i1"}, "w1", "ada@example.com", "Asia/Tokyo", {"id": "i1", "amount": 5, **record}
    )


def _compose(definition: ReportDefinition, **record: Any) -> Letter:
    return compose(definition, _due(**record), MONDAY, "http://localhost:8080", lambda *_: "https://example.com/u/t")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_stay_text_in_body_subject_and_mail(name: str) -> None:
    definition = report(
        subject="{{ id }}: {{ who }}",
        template_text='<p title="{{ who }}">{{ who }}</p><a href="https://example.com/">{{ who }}</a>',
    )
    value = HOSTILE[name]
    letter = _compose(definition, who=value)
    assert "\n" not in letter.subject and "\r" not in letter.subject
    assert letter.body.count("<") == letter.body.count(">") == 4  # the template's own tags
    assert letter.body.count('"') == 4  # and its own quotes
    assert mail(letter).html.count("<p") == mail(_compose(definition, who="Ada")).html.count("<p")


def test_a_value_in_an_address_stays_in_its_place() -> None:
    definition = report(template_text='<a href="https://example.com/{{ who | urlencode }}/pay">pay</a>')
    letter = _compose(definition, who='a/../b?c=d&e#f"')
    assert letter.body == '<a href="https://example.com/a%2F..%2Fb%3Fc%3Dd%26e%23f%22/pay">pay</a>'


def test_what_a_template_may_name_is_there() -> None:
    text = "".join(f"<p>{{{{ {name} }}}}</p>" for name in sorted(REPORT_TEMPLATE_NAMES))
    letter = _compose(report(template_text=text))
    assert "ada@example.com" in letter.body and "19 January 2026, 09:30 UTC" in letter.body


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("<script>1</script>", "<script>"),
        ('<p onclick="{{ id }}">x</p>', "onclick"),
        ("<a href={{ id }}>x</a>", "without quotes"),
        ('<p style="{{ id }}">x</p>', "style"),
        ("<{{ id }}>x", "tag"),
        ('<img src="{{ id }}">', "src"),
        ("<form action='x'></form>", "<form>"),
        ("{% for x in y %}{% endfor %}", "loops"),
        ("{{ id.__class__ }}", "look inside"),
        ("{% include 'x' %}", "include"),
    ],
)
def test_a_body_in_which_data_could_act_is_refused(template: str, said: str) -> None:
    with pytest.raises(BadTemplate, match=said):
        body_names(template)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//example.com", "", "https://a@b/"])
def test_a_link_that_is_no_web_address_skips_its_row(link: str) -> None:
    with pytest.raises(BadTemplate, match="not an http"):
        render_body('<a href="{{ link }}">pay</a>', {"link": link})


def test_the_text_is_made_of_the_html() -> None:
    text = plain_text(
        "<h1>Title</h1><p>One\n  two<br>three</p><ul><li>a</li><li>b</li></ul>"
        "<table><tr><th>In use</th><td>3</td></tr></table><p><a href='https://example.com'>Open</a> &amp; go</p>"
    )
    assert text == "Title\n\nOne two\nthree\n\n- a\n- b\n\nIn use: 3\n\nOpen (https://example.com) & go\n"


def test_the_mail_ends_with_why_it_came_and_how_it_ends() -> None:
    content = mail(_compose(report()))
    for part in (content.html, content.text):
        assert "You have an open invoice." in part and "https://example.com/u/t" in part
    assert "<style" not in content.html  # mail programs drop it


def test_a_letter_survives_the_outbox() -> None:
    definition = report()
    letter = _compose(definition)
    stored = message(definition, _due(), letter).to_json()
    assert Message.from_json(stored).letter == letter
    assert Message.from_json({**stored, "letter": None}).letter is None


def test_a_value_that_is_missing_reads_as_a_dash_and_a_name_without_value_skips_the_row() -> None:
    assert render_body("<p>{{ a }}</p>", {"a": None}) == "<p>–</p>"
    with pytest.raises(BadTemplate, match="no value"):
        render_body("<p>{{ a }}</p>", {})
