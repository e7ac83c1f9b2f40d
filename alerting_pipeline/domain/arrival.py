"""What has arrived, and what is to be done about it: pure decisions over found files and what was loaded before.

Files of one delivery belong together and are taken as one. Of the deliveries of a period (or of snapshots) the newest
holds, by the declared field of the path; a file's time and the order of arrival never count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from alerting_pipeline.domain.file_pattern import natural_order
from alerting_pipeline.domain.source import Mode, Source


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file that matches a source's pattern. `name` is relative to the root and identifies it; `bytes` is its size.

    `listed`: the file names that a manifest beside it lists; None where there is no manifest.
    """

    name: str
    path: Path
    bytes: int
    fields: dict[str, str] = field(default_factory=dict, hash=False)
    listed: frozenset[str] | None = None

    @property
    def base_name(self) -> str:
        return self.name.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Files that are taken together or not at all. `missing`: files that its manifest names and that aren't there."""

    source: str
    files: tuple[ArrivedFile, ...]
    period: str | None = None
    delivery: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it: its folder or its file."""
        if len(self.files) == 1 or not (self.period or self.delivery):
            return self.files[0].name
        return "/".join(part for part in (self.period, self.delivery) if part)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def order(self) -> tuple[Any, ...]:
        """Newer deliveries compare greater."""
        return natural_order(self.delivery or "")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A row of the ledger about one file: loaded, superseded, replaced or failed."""

    load_id: int
    file: str
    content_hash: str
    status: str
    period: str | None = None
    delivery: str | None = None


class Verdict(Enum):
    """Why a delivery is taken, or isn't."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    INCOMPLETE = "incomplete"

    @property
    def is_taken(self) -> bool:
        return self in (Verdict.NEW, Verdict.CHANGED)


def deliveries(source: Source, files: Iterable[ArrivedFile]) -> list[Delivery]:
    """The files grouped into deliveries: oldest first for `append`, else newest first within each period.

    Newest first, so that history that came in one heap is read once; should the newest be broken, the next one holds.
    """
    if source.mode is Mode.APPEND:
        return [Delivery(source.name, (file,)) for file in sorted(files, key=lambda each: natural_order(each.name))]
    grouped: dict[tuple[str | None, str | None], list[ArrivedFile]] = {}
    for file in files:
        period = file.fields.get(source.ingest.period or "")
        grouped.setdefault((period, file.fields.get(source.ingest.delivery or "")), []).append(file)
    made = [_delivery(source.name, each, period, delivery) for (period, delivery), each in grouped.items()]
    made.sort(key=lambda each: each.order, reverse=True)
    return sorted(made, key=lambda each: natural_order(each.period or ""))


def decide(
    mode: Mode, delivery: Delivery, known: Sequence[KnownFile], hash_of: Callable[[ArrivedFile], str]
) -> Verdict:
    """What is to be done with a delivery, given what the ledger knows of its source.

    `hash_of` is asked only where a file of that name is in the table already, for it may have to read the file.
    """
    if delivery.missing:
        return Verdict.INCOMPLETE
    held = held_by(mode, delivery, known)
    if not held:
        return Verdict.NEW
    if mode is not Mode.APPEND:
        newest = max(natural_order(each.delivery or "") for each in held)
        if delivery.order < newest:
            return Verdict.SUPERSEDED
        if delivery.order > newest:
            return Verdict.NEW
    hashes = {each.file: each.content_hash for each in held}
    if all(file.name in hashes for file in delivery.files) and all(
        hash_of(file) == hashes[file.name] for file in delivery.files
    ):
        return Verdict.UNCHANGED
    return Verdict.CHANGED


def held_by(mode: Mode, delivery: Delivery, known: Iterable[KnownFile]) -> list[KnownFile]:
    """What is in the table now in the place that the delivery would take: the rows that it would replace."""
    loaded = (each for each in known if each.status == "loaded")
    if mode is Mode.APPEND:
        names = {file.name for file in delivery.files}
        return [each for each in loaded if each.file in names]
    return [each for each in loaded if each.period == delivery.period]


def is_recorded(delivery: Delivery, known: Iterable[KnownFile]) -> bool:
    """Does the ledger already tell of every file of this delivery, whatever became of it?"""
    names = {each.file for each in known if each.status in ("loaded", "superseded", "replaced")}
    return all(file.name in names for file in delivery.files)


def is_known_bad(delivery: Delivery, known: Iterable[KnownFile], hash_of: Callable[[ArrivedFile], str]) -> bool:
    """Was this very content refused before? A sensor needn't wake anybody for it again; a load tries it again."""
    refused = {(each.file, each.content_hash) for each in known if each.status == "failed"}
    names = {name for name, _ in refused}
    return any(file.name in names and (file.name, hash_of(file)) in refused for file in delivery.files)


def _delivery(source: str, files: Sequence[ArrivedFile], period: str | None, delivery: str | None) -> Delivery:
    """One delivery. A manifest beside its files says which belong to it, and which of them are still on their way."""
    listed = {name for file in files for name in file.listed or ()}
    missing = sorted(listed - {file.base_name for file in files})
    if listed and not missing:
        files = [file for file in files if file.listed is None or file.base_name in file.listed]
    ordered = tuple(sorted(files, key=lambda file: natural_order(file.name)))
    return Delivery(source, ordered, period, delivery, tuple(missing))
