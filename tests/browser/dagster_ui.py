"""Dagster's user interface in a real Chromium, at the lineage that leads to one destination.

`python -m tests.browser.dagster_ui http://127.0.0.1:3000 docs/images/lineage.png` takes the README's picture of a
system that is up.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATH_TO_SLACK = '+key:"destinations/#risk" and key:"files/card_transactions.parquet"+'
_WIDTH, _HEIGHT = 2400, 600


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page wide enough for a lineage of seven layers."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        try:
            yield browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        finally:
            browser.close()


def open_lineage(page: Page, address: str, selection: str) -> None:
    """Show what the selection leaves of the global lineage, every group opened, the side panels closed."""
    page.goto(f"{address}/asset-groups~{quote(selection, safe='')}/", timeout=60_000)
    page.get_by_text("destinations").first.wait_for(timeout=60_000)
    page.get_by_text("Hide navigation").click()
    page.locator("button[class*=Button_filled]:has([aria-label=panel_show_right])").click()
    page.mouse.click(_WIDTH * 0.6, _HEIGHT * 0.9)
    page.keyboard.press("Alt+KeyE")
    page.locator("text=#risk").first.wait_for(timeout=30_000)
    page.wait_for_timeout(2_500)  # the graph moves to its place


def main(address: str, target: str) -> None:
    with browser_page() as page:
        open_lineage(page, address, PATH_TO_SLACK)
        page.screenshot(path=target)


if __name__ == "__main__":
    main(*sys.argv[1:])
