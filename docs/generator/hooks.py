"""What mkdocs calls while it builds the site: pages that are generated, and links to files of the repository.

Pages link to definitions, models and people.yaml as files of the repository, so that they work where the Markdown is
read as it is. In the site each such file gets a page of its own that shows it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs.generator import commands_page, environment_page, format_page, views_page

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PROJECT = Path(__file__).parent.parent.parent
PAGES: dict[str, Callable[[], str]] = {
    "reference/format.md": format_page.page,
    "reference/commands.md": commands_page.page,
    "reference/environment.md": environment_page.page,
    "reference/views.md": views_page.page,
}
_LINK = re.compile(r"(?<!!)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)]*)?\)")
_LANGUAGES = {".yml": "yaml", ".yaml": "yaml", ".sql": "sql", ".py": "python", ".toml": "toml"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """`- examples/*.md` in the navigation means every page that is there."""
    config.nav = _expanded(config.nav or [])
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and a page for each file of the repository that some page links to."""
    from mkdocs.structure.files import File

    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    for path in sorted({target for file in files.documentation_pages() for target in _targets(file)}):
        files.append(File.generated(config, f"files/{path}.md", content=_shown(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Links that leave the documentation lead to the page that shows the file."""
    source = page.file.src_uri

    def replaced(match: re.Match[str]) -> str:
        path = _outside(source, match[1])
        if path is None:
            return match[0]
        return f"]({posixpath.relpath(f'files/{path}.md', posixpath.dirname(source) or '.')})"

    return _LINK.sub(replaced, markdown)


def _expanded(nav: list[Any]) -> list[Any]:
    docs = PROJECT / "docs"
    found: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            found += [
                {title: _expanded(inside) if isinstance(inside, list) else inside} for title, inside in entry.items()
            ]
        elif "*" in entry:
            stated = {each for each in nav if isinstance(each, str)}
            pages = sorted(path.relative_to(docs).as_posix() for path in docs.glob(entry))
            found += [page for page in pages if page not in stated]
        else:
            found.append(entry)
    return found


def _targets(file: Any) -> set[str]:
    if not file.src_uri.endswith(".md"):
        return set()
    paths = (_outside(file.src_uri, match[1]) for match in _LINK.finditer(file.content_string))
    return {path for path in paths if path is not None}


def _outside(source: str, target: str) -> str | None:
    """The repository's file that a link leads to, if it isn't one of the documentation's own."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(source), target))
    is_ours = not path.startswith(("docs/", "../")) and (PROJECT / path).is_file()
    return path if is_ours else None


def _shown(path: str) -> str:
    content = (PROJECT / path).read_text(encoding="utf-8")
    if path.endswith(".md"):
        return content
    language = _LANGUAGES.get(Path(path).suffix, "text")
    return f"# {Path(path).name}\n\n`{path}`\n\n````{language}\n{content}````\n"
