"""What Dagster loads: a table of contents. Drawn from the dbt manifest and the definition files; needs no database."""

from __future__ import annotations

import dagster as dg

from alerting_pipeline.app import App
from alerting_pipeline.defs.alerts import alert_definitions
from alerting_pipeline.defs.blueprint import read_blueprint
from alerting_pipeline.defs.data import data_definitions
from alerting_pipeline.defs.dbt import dbt_definitions
from alerting_pipeline.defs.delivery import delivery_definitions
from alerting_pipeline.defs.ingest import ingest_definitions
from alerting_pipeline.defs.reports import report_definitions
from alerting_pipeline.defs.schedules import schedule_definitions
from alerting_pipeline.defs.sensors import sensor_definitions


@dg.definitions
def definitions() -> dg.Definitions:
    """Files → raw → staging → intermediate → marts → alerts and reports → destinations, and what sets them going."""
    with App.from_environment() as app:
        blueprint = read_blueprint(app)
    return dg.Definitions.merge(
        ingest_definitions(blueprint),
        dbt_definitions(blueprint),
        data_definitions(blueprint),
        alert_definitions(blueprint),
        report_definitions(blueprint),
        delivery_definitions(blueprint),
        sensor_definitions(blueprint),
        schedule_definitions(blueprint),
        dg.Definitions(executor=dg.in_process_executor),
    )
