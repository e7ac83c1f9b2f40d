"""Put the definition files into force: good ones take effect, bad ones leave the last good version as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alerting_pipeline.domain.loaded import Loaded
from alerting_pipeline.domain.ports import Clock, PublishedDefinitions
from alerting_pipeline.domain.publication import Publication, plan


@dataclass(frozen=True, slots=True)
class Published:
    """What came into force: names of what changed and what was removed; paths of the files that could not."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]
    bad_files: tuple[str, ...]
    unchanged: int


def publish(
    loaded: Loaded, ledger: PublishedDefinitions, clock: Clock, revision: Callable[[], str | None]
) -> Published:
    """One transaction; repeating it changes nothing. Raises AlertingError where the folder is empty by mistake."""
    publication: Publication = plan(loaded, ledger.stored())
    ledger.publish(publication, loaded, now=clock.now(), revision=revision() if publication.changed else None)
    return Published(
        changed=tuple(definition.name for definition in publication.changed),
        removed=publication.removed,
        bad_files=tuple(sorted(loaded.bad_files)),
        unchanged=len(publication.unchanged),
    )
