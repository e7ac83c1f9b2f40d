"""Finds the files of a source below a folder, and what a manifest beside them says about their delivery."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from alerting_pipeline.domain.arrival import ArrivedFile
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.file_pattern import is_unfinished
from alerting_pipeline.domain.source import Mode, Source

_LARGEST_MANIFEST = 4 * 1024 * 1024


def find(source: Source, root: Path) -> list[ArrivedFile]:
    """Every file below `root` that the source's pattern names; none where the folder isn't there."""
    pattern = source.ingest.pattern
    found = []
    manifests: dict[str, frozenset[str] | None] = {}
    for name, entry in _walk(root, "", pattern.depth):
        fields = pattern.match(name)
        if fields is None:
            continue
        folder = name.rpartition("/")[0]
        if source.mode is not Mode.APPEND and folder not in manifests:
            manifests[folder] = _listed(root / folder)
        found.append(ArrivedFile(name, Path(entry.path), entry.stat().st_size, fields, manifests.get(folder)))
    return found


def find_at(source: Source, location: Path) -> list[ArrivedFile]:
    """The same below a location that a person named: a folder in the place of the root, one above it, or a file.

    Raises BadCall where there is nothing of the name, or a file whose period or delivery can't be told from its path.
    """
    if not location.exists():
        raise BadCall(f"{location} does not exist; name a folder or a file that does")
    if location.is_file():
        return [_single(source, location)]
    for root in (location, location / source.name, location / source.root):
        if found := find(source, root):
            return found
    return []


def _single(source: Source, path: Path) -> ArrivedFile:
    """A file taken by itself. Its name and fields come from as much of its path as the pattern describes."""
    absolute, pattern = path.absolute(), source.ingest.pattern
    depths = [pattern.depth] if pattern.depth else range(1, len(absolute.parts))
    for depth in depths:
        name = "/".join(absolute.parts[-depth:])
        fields = pattern.match(name)
        if fields is not None:
            return ArrivedFile(name, absolute, absolute.stat().st_size, fields)
    if source.mode is Mode.APPEND and not is_unfinished(path.name):
        return ArrivedFile(path.name, absolute, absolute.stat().st_size)
    raise BadCall(
        f"{path} does not end in {pattern.text}, so that its delivery can't be told; "
        f"name a file that does, or the folder above"
    )


def _walk(root: Path, prefix: str, depth: int | None) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files, named relative to the first root; hidden folders are passed over, and links where `**` is free."""
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise AlertingError(f"{root} may not be read by this user; give it read and search permission") from error
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=depth is not None):
            if depth is None or depth > 1:
                yield from _walk(Path(entry.path), f"{name}/", None if depth is None else depth - 1)
        elif (depth is None or depth == 1) and entry.is_file():
            yield name, entry


def _listed(folder: Path) -> frozenset[str] | None:
    """The files that a `…Manifest.json` in the folder lists under `reportKeys`; None where no manifest does.

    A manifest that can't be read is still being written: it then stands for a file that is missing.
    """
    for path in sorted(folder.glob("*anifest.json")):
        if is_unfinished(path.name) or path.stat().st_size > _LARGEST_MANIFEST:
            continue
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, OSError):
            return frozenset({f"{path.name} (unfinished)"})
        keys = content.get("reportKeys") if isinstance(content, dict) else None
        if isinstance(keys, list) and keys:
            return frozenset(str(key).rsplit("/", 1)[-1] for key in keys)
    return None
