"""Put the definition files into force: good ones take effect, bad ones leave the last good version as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache

from alerting_pipeline.domain.loaded import Loaded
from alerting_pipeline.domain.ports import Clock, PublishedDefinitions
from alerting_pipeline.domain.publication import Origin, Publication, plan


@dataclass(frozen=True, slots=True)
class Published:
    """What came into force: names of what changed and what was removed; paths of the files that could not."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]
    bad_files: tuple[str, ...]
    unchanged: int


Origins = Callable[[Collection[str]], Mapping[str, Origin]]
"""Where files come from, by their paths; those that nobody knows are missing."""


def publish(loaded: Loaded, ledger: PublishedDefinitions, clock: Clock, origins: Origins) -> Published:
    """One transaction; repeating it changes nothing. Raises AlertingError where the folder is empty by mistake."""
    publication: Publication = plan(loaded, ledger.stored())

    @cache
    def known() -> Mapping[str, Origin]:  # asked only where something is to be stored, and then once for all files
        return origins([file.path for file in loaded.files])

    ledger.publish(publication, loaded, now=clock.now(), origin_of=lambda path: known().get(path, Origin()))
    return Published(
        changed=tuple(definition.name for definition in publication.changed),
        removed=publication.removed,
        bad_files=tuple(sorted(loaded.bad_files)),
        unchanged=len(publication.unchanged),
    )
