"""What loading needs of the outside world, and what it answers: ports, refusals, results."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from alerting_pipeline.domain.arrival import ArrivedFile, Delivery, KnownFile
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.source import Source


class Unreadable(AlertingError):
    """A file can't be taken as it is. Nothing of its delivery is taken, and nothing else is held up.

    `line` counts from 1 in the file as delivered; `others` tells of further places with the same sort of trouble.
    """

    def __init__(
        self, what: str, *, file: str = "", line: int | None = None, remedy: str = "", others: Sequence[str] = ()
    ) -> None:
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{place}{what}{f'; {remedy}' if remedy else ''}")
        self.what, self.remedy, self.file, self.line, self.others = what, remedy, file, line, tuple(others)

    def within(self, file: str, others: Sequence[str] = ()) -> Unreadable:
        """The same, naming the file."""
        return Unreadable(self.what, file=file, line=self.line, remedy=self.remedy, others=others or self.others)


class Busy(AlertingError):
    """Another process loads the same source for longer than we are ready to wait."""


@dataclass(frozen=True, slots=True)
class CopyFormat:
    """How a stream is written, in the words of COPY. `is_null_quoted`: a quoted `null` means NULL as well.

    A CSV file's header is sent along (Postgres learns from it how lines end, and so counts them rightly) and skipped.
    """

    kind: str = "csv"
    delimiter: str = ","
    null: str = ""
    encoding: str = "UTF8"
    is_null_quoted: bool = False
    has_header: bool = False


class TableStream(Protocol):
    """One open file as rows for COPY. `columns` are normalised; `headers` are the same as the file writes them."""

    columns: tuple[str, ...]
    headers: tuple[str, ...]
    format: CopyFormat

    def chunks(self) -> Generator[bytes]:
        """The rows, in pieces. Raises Unreadable where the file breaks off."""
        ...

    def line_of(self, line: int) -> int | None:
        """The file's line for a line of the stream, both from 1; None where it can't be told."""
        ...

    @property
    def content_hash(self) -> str:
        """SHA-256 of the file as delivered; known once all chunks were read."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking a delivery did to a raw table."""

    rows: int
    hashes: tuple[str, ...]
    added_columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    replaced_rows: int = 0


class RawTable(Protocol):
    """A raw table that we alone load for now."""

    def known(self, delivery: Delivery) -> Sequence[KnownFile]:
        """What the ledger tells of this delivery's place in the table."""
        ...

    def take(
        self, delivery: Delivery, open_file: Callable[[ArrivedFile], AbstractContextManager[TableStream]],
        on_bytes: Callable[[int], None],
    ) -> Taken:  # fmt: skip
        """Load a delivery, wholly or not at all. Raises Unreadable naming the file; `on_bytes` hears of COPY bytes."""
        ...

    def record_superseded(self, delivery: Delivery) -> None:
        """Note a delivery that came after a newer one."""
        ...

    def record_failed(self, delivery: Delivery, file: ArrivedFile, content_hash: str, error: str) -> None:
        """Note a refusal; the same content refused again is the same row."""
        ...


class RawTables(Protocol):
    """All raw tables and what was loaded into them."""

    def ensure(self, sources: Sequence[Source]) -> None:
        """Every declared source has its table, whether or not a file ever arrived."""
        ...

    def known(self, source: str) -> Sequence[KnownFile]:
        """What the ledger tells of a source's files."""
        ...

    def newest(self, source: str) -> tuple[datetime | None, str | None]:
        """When data last came in, and the newest delivery (or file) that holds."""
        ...

    def holding(self, source: Source, wait_seconds: float) -> AbstractContextManager[RawTable]:
        """Keep other loaders from the source. Raises Busy after `wait_seconds`."""
        ...

    def settle(self, result: LoadResult) -> None:
        """Tell those who look after the source what its load refused, and which columns came or went; what is not so
        any more ends what was told before.
        """
        ...


class SourceFiles(Protocol):
    """The files of sources, wherever they lie."""

    def find(self, source: Source, location: Path | None = None) -> Sequence[ArrivedFile]:
        """All files that match. Raises BadCall where `location` doesn't exist or can't be meant."""
        ...

    def place(self, source: Source, location: Path | None = None) -> str:
        """Where they are looked for, for people."""
        ...

    def content_hash(self, file: ArrivedFile) -> str:
        """SHA-256 of the content; read only if the file may have changed since it was last asked."""
        ...

    def open(self, source: Source, file: ArrivedFile) -> AbstractContextManager[TableStream]:
        """The file as rows. Raises Unreadable."""
        ...

    def rejects(self, source: Source, file: ArrivedFile) -> Sequence[tuple[int, str]]:
        """The lines of a CSV file that don't fit the declaration, up to a score, a sentence each."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A delivery that wasn't taken, and why; for a person and for a system incident."""

    source: str
    file: str
    error: str
    others: tuple[str, ...] = ()


@dataclass(slots=True)
class LoadResult:
    """What one load of one source came to. `bytes` as delivered; `fresh_at` is when data last came in."""

    source: str
    place: str
    files: int = 0
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    unchanged: int = 0
    superseded: list[str] = field(default_factory=list)
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    replaced: list[str] = field(default_factory=list)
    added_columns: list[str] = field(default_factory=list)
    missing_columns: list[str] = field(default_factory=list)
    is_sparse: bool = False
    is_first: bool = False
    newest_delivery: str | None = None
    fresh_at: datetime | None = None
    problems: list[Refusal] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    """With a dry run: the deliveries that a load would take."""

    @property
    def outcome(self) -> str:
        """One phrase for a table."""
        if self.problems:
            return "refused" if not self.files else "loaded, but some refused"
        if self.pending:
            return "would load"
        if self.files:
            return "loaded"
        if self.waiting:
            return "waiting for the rest of a delivery"
        if self.superseded:
            return "superseded: a newer delivery holds"
        return "nothing new" if self.unchanged else "nothing has arrived"


def as_metadata(result: LoadResult) -> Mapping[str, object]:
    """The figures that belong on the source's node in the lineage."""
    return {
        "rows": result.rows,
        "bytes": result.bytes,
        "files": result.files,
        "newest delivery": result.newest_delivery,
        "fresh at": result.fresh_at,
        "outcome": result.outcome,
    }
