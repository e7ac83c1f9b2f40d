"""Takes what has arrived for a source into its raw table: files → deliveries → what is to be done → done, one by one.

A delivery that can't be read is refused whole, with one sentence, and holds up nothing else; it is tried again at the
next load. Loading again what is there changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from alerting_pipeline.domain.arrival import (
    ArrivedFile,
    Delivery,
    KnownFile,
    Verdict,
    decide,
    deliveries,
    is_known_bad,
    is_recorded,
)
from alerting_pipeline.domain.loading import LoadResult, RawTable, RawTables, Refusal, SourceFiles, Unreadable
from alerting_pipeline.domain.ports import Progress
from alerting_pipeline.domain.source import Mode, Source

WAIT_SECONDS = 60.0
_TOLD_EVERY_BYTES = 16 * 1024 * 1024


def load(
    source: Source, files: SourceFiles, tables: RawTables, progress: Progress, location: Path | None = None
) -> LoadResult:
    """Load everything of a source that isn't loaded yet. `location` takes the place of its landing folder.

    Raises BadCall for a location that can't be meant, Busy where another loader doesn't finish within a minute.
    """
    started = time.perf_counter()
    result = LoadResult(source.name, files.place(source, location), is_sparse=source.ingest.format == "jsonl")
    tables.ensure([source])
    result.is_first = tables.newest(source.name)[0] is None
    work = _sorted_out(source, files, tables, result, location)
    if work:
        with tables.holding(source, WAIT_SECONDS) as table:
            for done, delivery in enumerate(work):
                progress.report(source.name, delivery.name, done, len(work))
                teller = _teller(progress, delivery, source.name, (done, len(work)))
                _load_one(source, delivery, table, files, (result, teller))
            refused = f", {len(result.problems)} refused" if result.problems else ""
            progress.report(source.name, f"{result.rows:,} rows{refused}", len(work), len(work))
    if result.problems or location is None:  # what lies elsewhere says nothing about the landing folder
        tables.settle(result)
    result.fresh_at, result.newest_delivery = tables.newest(source.name)
    result.seconds = time.perf_counter() - started
    return result


def preview(source: Source, files: SourceFiles, tables: RawTables, location: Path | None = None) -> LoadResult:
    """What `load` would take now, without taking it."""
    result = LoadResult(source.name, files.place(source, location))
    taken: set[str | None] = set()
    for delivery in _sorted_out(source, files, tables, result, location):
        if source.mode is not Mode.APPEND and delivery.period in taken:
            result.superseded.append(delivery.name)
        else:
            taken.add(delivery.period)
            result.pending.append(delivery.name)
    result.fresh_at, result.newest_delivery = tables.newest(source.name)
    return result


def arrivals(source: Source, files: SourceFiles, tables: RawTables) -> list[Delivery]:
    """Deliveries that wait to be loaded, for a sensor: those that were refused before and haven't changed are left out.

    Costs one look at the folder and one query; a file is read only if it changed under a name that is loaded already.
    """
    known = tables.known(source.name)
    pending = []
    for delivery in deliveries(source, files.find(source)):
        try:
            verdict = decide(source.mode, delivery, known, files.content_hash)
            if verdict.is_taken and not is_known_bad(delivery, known, files.content_hash):
                pending.append(delivery)
        except Unreadable:
            continue  # the next load says so; there is nothing to wake anybody for
    return pending


def _sorted_out(
    source: Source, files: SourceFiles, tables: RawTables, result: LoadResult, location: Path | None
) -> list[Delivery]:
    """The deliveries that need a look at the table; what can be said about the others goes into the result."""
    known = tables.known(source.name)
    work = []
    for delivery in deliveries(source, files.find(source, location)):
        try:
            verdict = decide(source.mode, delivery, known, files.content_hash)
        except Unreadable as error:
            result.problems.append(Refusal(source.name, delivery.name, str(error.within(delivery.name))))
            continue
        if verdict is Verdict.INCOMPLETE:
            result.waiting[delivery.name] = delivery.missing
        elif verdict is Verdict.UNCHANGED or _is_old_news(verdict, delivery, known):
            result.unchanged += len(delivery.files)
        else:
            work.append(delivery)
    return work


def _is_old_news(verdict: Verdict, delivery: Delivery, known: Sequence[KnownFile]) -> bool:
    return verdict is Verdict.SUPERSEDED and is_recorded(delivery, known)


def _load_one(
    source: Source,
    delivery: Delivery,
    table: RawTable,
    files: SourceFiles,
    told: tuple[LoadResult, Callable[[int], None]],
) -> None:
    """One delivery, decided again now that nobody else can change what is there."""
    result, teller = told
    try:
        known = table.known(delivery)
        verdict = decide(source.mode, delivery, known, files.content_hash)
        if verdict is Verdict.SUPERSEDED:
            if not is_recorded(delivery, known):
                table.record_superseded(delivery)
            result.superseded.append(delivery.name)
        elif verdict.is_taken:
            taken = table.take(delivery, lambda file: files.open(source, file), teller)
            result.files += len(delivery.files)
            result.rows += taken.rows
            result.bytes += delivery.bytes
            result.added_columns += [name for name in taken.added_columns if name not in result.added_columns]
            result.missing_columns += [name for name in taken.missing_columns if name not in result.missing_columns]
            if verdict is Verdict.CHANGED:
                result.replaced.append(delivery.name)
        else:
            result.unchanged += len(delivery.files)
    except Unreadable as error:
        result.problems.append(_refuse(source, delivery, table, files, error))


def _refuse(source: Source, delivery: Delivery, table: RawTable, files: SourceFiles, error: Unreadable) -> Refusal:
    """Record a refusal, with the file's content as it is now, so that a sensor knows it when it sees it again."""
    file = next((each for each in delivery.files if each.name == error.file), delivery.files[0])
    others = tuple(sentence for line, sentence in files.rejects(source, file) if line != error.line)
    sentence = str(error if error.file else error.within(file.name))
    table.record_failed(delivery, file, _hash_or_nothing(files, file), sentence)
    return Refusal(source.name, file.name, sentence, others)


def _hash_or_nothing(files: SourceFiles, file: ArrivedFile) -> str:
    try:
        return files.content_hash(file)
    except Unreadable:
        return ""


def _teller(progress: Progress, delivery: Delivery, step: str, at: tuple[int, int]) -> Callable[[int], None]:
    """Reports how far a long file is, every 16 MB."""
    done, total = at
    seen = told = 0

    def tell(count: int) -> None:
        nonlocal seen, told
        seen += count
        if seen - told >= _TOLD_EVERY_BYTES:
            told = seen
            progress.report(step, f"{delivery.name}: {seen / 1e6:,.0f} MB", done, total)

    return tell
