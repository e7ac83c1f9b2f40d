"""What every module keeps to: its size, its name, and where the environment is read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGE, PROJECT, modules, place, tree

LONGEST_MODULE = 350
_EMPTY_WORDS = re.compile(r"(^|_)(utils?|helpers?|misc|manager|stuff)(_|$)", re.IGNORECASE)
_EMPTY_MODULES = ("common", "base", "process")
# Settings read the environment. This one lends variables to a child of dagster-dbt's, and takes nothing from it.
_ENVIRONMENT = ("alerting_pipeline.settings", "alerting_pipeline.defs.dbt")
_OUR_FILES = [*modules().values(), *(PROJECT / "tests").rglob("*.py")]


def test_no_module_is_longer_than_a_person_reads() -> None:
    lengths = {str(path.relative_to(PROJECT)): len(path.read_text().splitlines()) for path in modules().values()}
    migrations = str(PACKAGE.relative_to(PROJECT) / "store" / "migrations")
    assert {path: n for path, n in lengths.items() if n > LONGEST_MODULE and not path.startswith(migrations)} == {}


def test_every_module_says_why_it_exists() -> None:
    silent = [name for name, path in modules().items() if tree(path).body and not ast.get_docstring(tree(path))]
    assert silent == []


def test_names_say_something() -> None:
    empty = [
        name
        for name in modules()
        if any(part in _EMPTY_MODULES or _EMPTY_WORDS.search(part) for part in name.split("."))
    ]
    for path in modules().values():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name)
                if _EMPTY_WORDS.search(snake.strip("_")):
                    empty.append(f"{place(path, node)} {node.name}")
    assert empty == []


def test_the_environment_is_read_in_settings_alone() -> None:
    readers = [
        place(path, node)
        for name, path in modules().items()
        if name not in _ENVIRONMENT
        for node in _environment_reads(tree(path))
    ]
    assert readers == []


@pytest.mark.parametrize(
    "code",
    ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ", "import os as o\no.environb"],
)
def test_a_read_of_the_environment_would_be_seen(code: str) -> None:
    assert list(_environment_reads(ast.parse(code)))


def test_no_clock_is_read_in_the_pure_rooms() -> None:
    reads = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|monotonic|sleep)|random\.|uuid4\()")
    pure = [path for name, path in modules().items() if re.match(r"alerting_pipeline\.(domain|rendering)\b", name)]
    assert [str(path) for path in pure if reads.search(path.read_text())] == []


def test_nothing_is_silenced_without_a_reason() -> None:
    found = []
    for path in _OUR_FILES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            bare = re.search(r"#\s*type:\s*ignore(?!\[)|#\s*noqa(?!:)|#\s*pyright:\s*ignore(?!\[)", line)
            if bare and "re.search" not in line:
                found.append(f"{path.relative_to(PROJECT)}:{number}")
    for path in modules().values():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler) and _swallows_everything(node):
                found.append(place(path, node))
    assert found == []


def _environment_reads(module: ast.Module) -> Iterator[ast.AST]:
    names = {"environ", "environb", "getenv", "getenvb"}
    for node in ast.walk(module):
        is_attribute = isinstance(node, ast.Attribute) and node.attr in names and isinstance(node.value, ast.Name)
        is_import = isinstance(node, ast.ImportFrom) and node.module == "os" and names & {n.name for n in node.names}
        if is_attribute or is_import:
            yield node


def _swallows_everything(handler: ast.ExceptHandler) -> bool:
    kind = handler.type
    is_broad = kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))
    return is_broad and all(isinstance(statement, ast.Pass | ast.Continue) for statement in handler.body)


def test_paths_of_this_machine_are_nowhere() -> None:
    """A clone works wherever it lies: no absolute path of a home or work folder is written into a source."""
    pattern = re.compile(r"(?<![\w.])/(home|Users|work)/\w")
    files: list[Path] = [path for path in _OUR_FILES if path != Path(__file__)]
    assert [str(path.relative_to(PROJECT)) for path in files if pattern.search(path.read_text())] == []
