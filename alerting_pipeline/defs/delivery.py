"""Deliveries as the lineage shows them, and the safety net where no delivery worker is at work.

The worker of `alerting up` (or any number of `alerting deliver`) normally hands messages over within a second. The
sensor does it only for what has waited longer, and tells each destination's node what went there.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_slack import SlackResource
from pydantic import Field
from slack_sdk import WebClient

from alerting_pipeline.adapters.channels.slack import client_for
from alerting_pipeline.app import App
from alerting_pipeline.app.watching import beat
from alerting_pipeline.defs.blueprint import Blueprint
from alerting_pipeline.defs.keys import destination_key
from alerting_pipeline.settings import read_settings
from alerting_pipeline.store.traffic import Traffic, is_left_waiting, traffic

_INTERVAL = 30
_LONGEST = 20.0  # seconds of one tick's delivering; a tick is ended after 60


class SlackApi(SlackResource):
    """Slack's client at the settings' address. The token stays out of it: the user interface shows resources."""

    token: str = Field(default="", description="Stays empty; the client takes the token from the settings.")
    base_url: str = Field(default=WebClient.BASE_URL, description="Where Slack's methods are called.")

    def get_client(self) -> WebClient:
        token = read_settings().slack_bot_token
        return client_for(token.get_secret_value() if token else "", self.base_url)


def delivery_definitions(blueprint: Blueprint) -> dg.Definitions:
    """The outbox sensor and the Slack client that deliveries inside Dagster use."""

    @dg.sensor(
        name="outbox",
        description="Hands over what no delivery worker took, and shows on each destination what went there.",
        minimum_interval_seconds=_INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def outbox(context: dg.SensorEvaluationContext, slack: SlackApi) -> dg.SensorResult:
        with App.from_environment() as app:
            beat(app, "sensor outbox")
            if is_left_waiting(app.engine, seconds=_INTERVAL):
                _deliver(app, slack)
            known = json.loads(context.cursor or "{}")
            moved = [each for each in traffic(app.engine) if each.finished != known.get(each.destination, 0)]
        cursor = {**known, **{each.destination: each.finished for each in moved}}
        events = [_event(each, each.finished - known.get(each.destination, 0)) for each in moved]
        said = f"{len(moved)} destinations heard something" if moved else "nothing was sent"
        return dg.SensorResult(asset_events=events, cursor=json.dumps(cursor), skip_reason=said)

    base_url = blueprint.settings.slack_api_url
    slack = SlackApi(base_url=f"{base_url}/") if base_url else SlackApi()
    return dg.Definitions(sensors=[outbox], resources={"slack": slack})


def _deliver(app: App, slack: SlackApi) -> None:
    is_configured = app.settings.slack_bot_token is not None  # without it, messages go to the local inbox
    worker = app.delivery_worker(slack_client=slack.get_client if is_configured else None)
    stop = threading.Timer(_LONGEST, worker.stop)
    stop.start()
    try:
        worker.drain()
    finally:
        stop.cancel()


def _event(each: Traffic, new: int) -> dg.AssetMaterialization:
    """One event per destination and tick, however many messages went there."""
    details: Mapping[str, Any] = {
        "messages": new,
        "sent_in_all": each.sent,
        "dead_in_all": each.dead,
        "waiting": each.waiting,
        **({"last_sent_at": dg.MetadataValue.timestamp(each.last_sent_at)} if each.last_sent_at else {}),
    }
    return dg.AssetMaterialization(destination_key(each.destination), metadata=details)
