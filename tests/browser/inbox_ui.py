"""Takes the picture of a Slack message for the README from the running pages of the local inbox.

`python -m tests.browser.inbox_ui http://127.0.0.1:8080 docs/images/slack_message.png`, after `make demo`.
"""

from __future__ import annotations

import sys

from playwright.sync_api import sync_playwright

from tests.browser.dagster_ui import CHROMIUM, FLAGS


def picture_of_a_slack_message(address: str, target: str) -> None:
    """The newest message to #risk about something critical, cut out of its page, at twice the size."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 900, "height": 900}, device_scale_factor=2)
        page.goto(address)
        links = page.locator('a[href^="/messages/"]').evaluate_all("all => all.map(each => each.href)")
        for link in links:
            page.goto(link)
            message = page.locator("article.slack")
            if message.count() and "critical" in message.inner_text():
                message.screenshot(path=target)
                break
        else:
            raise SystemExit(f"no critical Slack message at {address}")
        browser.close()


if __name__ == "__main__":
    picture_of_a_slack_message(*sys.argv[1:3])
