"""The files of sources as the loader sees them: where they are, what they contain, and their rows as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alerting_pipeline.adapters.byte_stream import ByteStream
from alerting_pipeline.adapters.content_hashes import ContentHashes
from alerting_pipeline.adapters.csv_rejects import rejects
from alerting_pipeline.adapters.csv_stream import CsvStream
from alerting_pipeline.adapters.file_discovery import find, find_at
from alerting_pipeline.adapters.json_lines import JsonLines
from alerting_pipeline.adapters.parquet_stream import ParquetStream
from alerting_pipeline.domain.arrival import ArrivedFile
from alerting_pipeline.domain.loading import TableStream, Unreadable
from alerting_pipeline.domain.source import Source


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """Files below the landing folder, or at another location that a person names."""

    landing: Path
    hashes: ContentHashes

    def place(self, source: Source, location: Path | None = None) -> str:
        if location is None:
            return str(self.landing / source.root / source.ingest.pattern.text)
        return str(location) if location.is_file() else str(location / source.ingest.pattern.text)

    def find(self, source: Source, location: Path | None = None) -> list[ArrivedFile]:
        return find(source, self.landing / source.root) if location is None else find_at(source, location)

    def content_hash(self, file: ArrivedFile) -> str:
        try:
            return self.hashes.of(file.path)
        except OSError as error:
            raise _unreadable(error) from error

    @contextmanager
    def open(self, source: Source, file: ArrivedFile) -> Iterator[TableStream]:
        is_gzip = file.base_name.endswith(".gz")
        try:
            opened = file.path.open("rb")
        except OSError as error:
            raise _unreadable(error) from error
        with opened:
            if source.ingest.format == "csv":
                yield CsvStream(ByteStream(opened, is_gzip=is_gzip), source.ingest)
            elif source.ingest.format == "jsonl":

                def reopen() -> ByteStream:
                    opened.seek(0)
                    return ByteStream(opened, is_gzip=is_gzip)

                yield JsonLines(reopen, source)
            else:
                with closing(ParquetStream(opened)) as stream:
                    yield stream

    def rejects(self, source: Source, file: ArrivedFile) -> list[tuple[int, str]]:
        if source.ingest.format != "csv":
            return []
        try:
            with self.open(source, file) as stream:
                headers = stream.headers
            return rejects(source, file.path, headers)
        except (Unreadable, OSError):
            return []


def _unreadable(error: OSError) -> Unreadable:
    return Unreadable(f"it can't be opened ({error.strerror})", remedy="check that it is there and may be read")
