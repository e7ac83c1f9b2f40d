"""The dbt project as assets, and the op that builds it and evaluates each mart while the build goes on.

Evaluation happens inside the op because everything else is late: a sensor needs 5 to 40 s, and an op after the build
waits for models that an alert does not read. A failing test must not stop the other marts, so tests are checks that
don't block, dbt doesn't raise, and health is judged per mart; the op raises at its end if a model failed.
"""

# No postponed annotations here: Dagster checks the type of `context` itself.
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import metadata
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets
from packaging.version import Version

from alerting_pipeline.adapters.dbt_project import BUILD, build_graph, buildable, node_result, one_build_at_a_time
from alerting_pipeline.app import App
from alerting_pipeline.defs.blueprint import Blueprint
from alerting_pipeline.defs.data import Inspection
from alerting_pipeline.defs.evaluation import Evaluation
from alerting_pipeline.defs.keys import BUILD_OP, TOLD, model_key, raw_key
from alerting_pipeline.domain.checked_build import CheckedBuild
from alerting_pipeline.domain.health import BuildGraph
from alerting_pipeline.store.progress import LedgerProgress


class DbtCommand(DbtCliResource):
    """dbt's command line, without what dagster-dbt asks of it beforehand."""

    @cached_property
    def _cli_version(self) -> Version:
        # dagster-dbt runs `dbt --version`, which takes 2.7 s and asks the network for newer ones.
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:
        # Only column and row-count fetching would use it; making it imports dbt here too, for 2 s.
        return None


class Translator(DagsterDbtTranslator):
    """How a dbt node looks in the lineage: layers as groups, teams as owners, tests as checks that don't block."""

    def __init__(self, blueprint: Blueprint) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._blueprint = blueprint

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return raw_key(dbt_resource_props["name"])
        return model_key(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return "raw" if dbt_resource_props["resource_type"] == "source" else dbt_resource_props["schema"]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return self._blueprint.owners(dbt_resource_props)

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        area = dbt_resource_props.get("config", {}).get("group") or dbt_resource_props.get("group")
        return {**super().get_tags(dbt_resource_props), **({"area": area} if area else {})}

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        path = f"dbt_project/{dbt_resource_props['original_file_path']}"
        return {**super().get_metadata(dbt_resource_props), **self._blueprint.reference(path)}

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec._replace(blocking=False) if spec else None


def dbt_definitions(blueprint: Blueprint) -> dg.Definitions:
    """The dbt models and tests, built by one op, and the command that it runs."""
    project = blueprint.settings.dbt_project
    graph, translator = build_graph(blueprint.manifest), Translator(blueprint)
    manifest = _with_tests_attached(blueprint.manifest, graph)

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name=BUILD_OP)
    def build(context: dg.AssetExecutionContext, dbt: DbtCommand) -> Iterator[Any]:
        with App.from_environment() as app, one_build_at_a_time(app.owner_url):
            expected = _expected(context, manifest, translator)
            yield from _build_and_evaluate(context, dbt, app, (graph, expected, blueprint.marts))

    command = DbtCommand(
        project_dir=os.fspath(project),
        profiles_dir=os.fspath(project),
        dbt_executable=blueprint.dbt_executable,
        global_config_flags=["--no-use-colors"],
    )
    return dg.Definitions(assets=[build], resources={"dbt": command})


def _build_and_evaluate(
    context: dg.AssetExecutionContext,
    dbt: DbtCommand,
    app: App,
    part: tuple[BuildGraph, frozenset[str], frozenset[str]],
) -> Iterator[Any]:
    """Hand dbt's events on to Dagster; check each model's data, and evaluate each mart, as soon as it is ready.

    `part`: dbt's graph, the nodes of it that are built, and the marts.
    """
    with _environment(app.dbt_project.environment()):
        invocation = dbt.cli(BUILD, context=context, raise_on_error=False, target_path=app.dbt_project.target)
    evaluation, progress = Evaluation.begin(context, app), LedgerProgress(app.engine, context.run.run_id)
    checking = Inspection.begin(context, app)
    checked = CheckedBuild.of(*part, checking.checker.definitions, checking.of_model)
    watch = app.build_watch(part[0], part[1])
    watch.begin()
    for event in invocation.stream_raw_events():
        yield from event.to_default_asset_events(
            manifest=invocation.manifest,
            dagster_dbt_translator=invocation.dagster_dbt_translator,
            context=context,
            target_path=invocation.target_path,
        )
        if result := node_result(event.raw_event):
            watch.record(result)
            for ready in checked.record(result):
                evaluation.of_mart(ready)
            progress.report("build", result.unique_id.split(".")[2], *checked.tracker.models)
    watch.finish()
    is_complete = invocation.process.wait() in (0, 1)
    for ready in checked.finish(is_complete=is_complete):
        evaluation.of_mart(ready)
    broken = [f"dbt could not build {name}" for name in checked.tracker.broken] + (
        [] if is_complete else ["dbt broke off"]
    )
    if is_complete and not (evaluation.failures or checking.failures):
        # Each model has an incident of its own; a second one about the run would tell the same again.
        context.instance.add_run_tags(context.run.run_id, {TOLD: "models"})
    if broken or evaluation.failures or checking.failures:
        said = "; ".join([*broken, *checking.failures, *evaluation.failures])
        raise dg.Failure(f"{said}; alerts on what depends on it are not evaluated, their incidents are held")


def _with_tests_attached(manifest: Mapping[str, Any], graph: BuildGraph) -> dict[str, Any]:
    """The manifest, with each test that compares a model to its sources named as a check of that model.

    dagster-dbt would log such a test as observations of everything that it reads.
    """
    nodes = dict(manifest["nodes"])
    for unique_id, node in nodes.items():
        concerns = graph.nodes[unique_id].concerns
        if node.get("attached_node") or len(concerns) != 1 or not (judged := nodes.get(*concerns)):
            continue
        meta = {**node["config"].get("meta", {}), "dagster": {"ref": {"name": judged["name"]}}}
        nodes[unique_id] = {**node, "config": {**node["config"], "meta": meta}}
    return {**manifest, "nodes": nodes}


def _expected(context: dg.AssetExecutionContext, manifest: Mapping[str, Any], translator: Translator) -> frozenset[str]:
    """The dbt nodes that this run builds: all of them, or those of the selected assets and checks."""
    everything = buildable(manifest)
    if not context.is_subset:
        return everything
    keys = context.selected_asset_keys
    models = {
        name
        for name in everything
        if manifest["nodes"][name]["resource_type"] != "test"
        and translator.get_asset_key(manifest["nodes"][name]) in keys
    }
    checks = {check.name for check in context.selected_asset_check_keys}
    tests = {name for name in everything if manifest["nodes"][name]["name"] in checks}
    return frozenset(models | tests)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """dagster-dbt hands its process the environment of ours and nothing else, so the connection stands there shortly.

    Secrets never go through a resource's configuration: the user interface shows that.
    """
    earlier = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in earlier.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
