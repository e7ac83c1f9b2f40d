"""The documentation as a site: it builds without a warning, fetches nothing, and leads nowhere that isn't there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent
PAGES = sorted((PROJECT / "docs").rglob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("a site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)], cwd=PROJECT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.scenario
def test_the_site_builds_and_every_page_is_in_the_navigation(site: Path) -> None:
    start = (site / "index.html").read_text()
    absent = [
        page.relative_to(PROJECT / "docs").as_posix()
        for page in PAGES
        if f'href="{page.relative_to(PROJECT / "docs").with_suffix(".html").as_posix()}"' not in start
        and page.name not in ("index.md", "README.md")
    ]
    assert absent == []


@pytest.mark.scenario
def test_reading_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    foreign = re.compile(r'<(?:script|img|link|iframe)[^>]+(?:src|href)="(?:https?:)?//[^"]+"')
    for page in site.rglob("*.html"):
        found = [tag for tag in foreign.findall(page.read_text()) if 'rel="canonical"' not in tag]
        assert found == [], page


@pytest.mark.scenario
def test_the_generator_itself_is_not_published(site: Path) -> None:
    assert not list(site.rglob("*.py")) and not (site / "generator").exists()


def test_pages_that_are_read_as_files_link_to_files_that_are_there() -> None:
    """Pages generated while building have no file."""
    generated = re.compile(r"reference/(format|commands|environment|views)\.md$")
    for page in PAGES:
        for target in re.findall(r"(?<!!)\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            assert generated.search(target) or (page.parent / target).exists(), f"{page}: {target}"
