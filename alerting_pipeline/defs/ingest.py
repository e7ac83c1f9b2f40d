"""Sources as assets: the files as they are delivered, and the raw table that each source is loaded into."""

# No postponed annotations here: Dagster checks the type of `context` itself.

from datetime import datetime
from typing import Any

import dagster as dg

from alerting_pipeline.app import App
from alerting_pipeline.defs.blueprint import Blueprint
from alerting_pipeline.defs.keys import file_key, raw_key
from alerting_pipeline.domain.loading import LoadResult, as_metadata
from alerting_pipeline.domain.source import Source
from alerting_pipeline.store.progress import LedgerProgress
from alerting_pipeline.usecases.load import load

ACCEPTED = "files_accepted"


def ingest_definitions(blueprint: Blueprint) -> dg.Definitions:
    """Two nodes per declared source: its files, which others deliver, and its raw table, which we load."""
    sources = [source for _, source in sorted(blueprint.sources.items())]
    files = [_files(blueprint, source) for source in sources]
    return dg.Definitions(assets=[*files, *(_raw_table(blueprint, source) for source in sources)])


def _files(blueprint: Blueprint, source: Source) -> dg.AssetSpec:
    root = blueprint.settings.landing / source.root
    return dg.AssetSpec(
        file_key(source),
        description=f"Files of {source.name}, delivered under `{root}` as `{source.ingest.pattern.text}`.",
        group_name="files",
        kinds={source.ingest.format, "file"},
        owners=_owners(source),
        metadata={"location": dg.MetadataValue.path(str(root)), "mode": source.mode.value},
    )


def _raw_table(blueprint: Blueprint, source: Source) -> dg.AssetsDefinition:
    @dg.asset(
        key=raw_key(source.name),
        # Named here, because the name of a dependency by key must be an identifier, and a pattern is none.
        ins={"delivered": dg.AssetIn(file_key(source), dagster_type=dg.Nothing)},
        description=source.description,
        group_name="raw",
        kinds={"postgres", source.ingest.format},
        owners=_owners(source),
        metadata=blueprint.reference(source.place),
        check_specs=[
            dg.AssetCheckSpec(ACCEPTED, asset=raw_key(source.name), description="Every file that arrived was loaded.")
        ],
    )
    def raw_table(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with App.from_environment() as app:
            progress = LedgerProgress(app.engine, context.run.run_id)
            result = load(source, app.source_files, app.raw_tables, progress)
        if result.files:
            newest = {"files": result.files, "bytes": result.bytes, "newest": result.newest_delivery or ""}
            context.log_event(dg.AssetMaterialization(file_key(source), metadata=newest))
        return _told(result)

    return raw_table


def _told(result: LoadResult) -> dg.MaterializeResult:
    """A refused file fails a check and stops nothing: what did arrive goes on to the marts."""
    refused = [problem.error for problem in result.problems]
    accepted = dg.AssetCheckResult(
        check_name=ACCEPTED,
        passed=not refused,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(refused) or None,
        metadata={"refused": len(refused)},
    )
    figures = {name: _figure(value) for name, value in as_metadata(result).items() if value is not None}
    return dg.MaterializeResult(metadata=figures, check_results=[accepted])


def _figure(value: object) -> dg.MetadataValue[Any]:
    if isinstance(value, datetime):
        return dg.MetadataValue.timestamp(value)
    return dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.text(str(value))


def _owners(source: Source) -> list[str]:
    return [f"team:{source.owner}"] if source.owner else []
