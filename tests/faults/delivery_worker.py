"""A delivery worker as a process of its own, for tests that kill it: `python -m tests.faults.delivery_worker JSON`.

The JSON names the addresses of database and sinks, and optionally a step at which, the nth time, it kills itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from pydantic import SecretStr

from alerting_pipeline.adapters.channels.registry import Channels, Surroundings
from alerting_pipeline.adapters.channels.slack import client_for
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.pacing import Retry
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.outbox import PostgresOutbox
from alerting_pipeline.usecases.deliver import DeliveryWorker, Terms

LEASE = 1.5
DESTINATIONS = {
    "#risk": Destination(name="#risk", channel="slack", settings={"per_second": 1000}),
    "team": Destination(name="team", channel="email", settings={"to": "ada@example.com", "per_second": 1000}),
    "review": Destination(name="review", channel="sheet"),
    "queue": Destination(name="queue", channel="table"),
    "local": Destination(name="local", channel="file"),
}


def main() -> None:
    given = json.loads(sys.argv[1])
    engine = engine_for(given["database"])
    home = Path(given["home"])
    surroundings = Surroundings(
        inbox=home / "inbox",
        sheets=home / "sheets",
        engine=lambda: engine,
        slack_client=lambda: client_for(given["slack_token"], given["slack"], 2),
        mail_server=SecretStr(given["mail"]),
        mail_from="alerts@example.com",
    )
    terms = Terms(
        retry=Retry(attempts=1_000, first_delay=0.05, longest_delay=0.2),
        deadline=LEASE / 3,
        each=given.get("each", 5),
        poll=0.1,
        at=_crash_at(given.get("step", ""), given.get("nth", 1)),
    )
    worker = DeliveryWorker(
        PostgresOutbox(engine, worker=str(os.getpid()), lease=LEASE), Channels(DESTINATIONS.get, surroundings), terms
    )
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    print("ready", flush=True)
    worker.run()


def _crash_at(step: str, nth: int):
    seen = 0
    lock = threading.Lock()

    def at(here: str) -> None:
        nonlocal seen
        with lock:
            seen += here == step
            if here == step and seen == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    return at


if __name__ == "__main__":
    main()
