"""The outside watcher is called over real HTTP; what fails is said without its address."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.adapters.dead_man import DeadMan
from alerting_pipeline.app import App
from alerting_pipeline.app.watching import OutsideWatch
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.settings import read_settings
from tests.conftest import Database

CANARY = "canary-in-the-path"


class Watcher:
    """Listens on loopback; its path says how it answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        watcher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                watcher.asked.append(self.path)
                word = self.path.rpartition("/")[2]
                if word == "slow":
                    time.sleep(1)
                self.send_response(int(word) if word.isdigit() else 200)
                if word == "302":
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/{CANARY}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    made = Watcher()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("200", None),
        ("204", None),
        ("302", "it answered 302"),
        ("404", "it answered 404"),
        ("500", "it answered 500"),
        ("slow", "it does not answer (TimeoutError)"),
    ],
)
def test_what_fails_is_said_without_the_address(watcher: Watcher, answer: str, said: str | None) -> None:
    assert DeadMan(f"{watcher.url}/{answer}", within=0.3).ping() == said
    assert watcher.asked == [f"/{CANARY}/{answer}"]


def test_nobody_at_the_address_is_said_without_the_address() -> None:
    assert DeadMan(f"http://127.0.0.1:1/{CANARY}").ping() == "it does not answer (ConnectionRefusedError)"


def test_it_is_called_at_its_interval_and_only_while_nothing_is_overdue(
    watcher: Watcher, home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    said: list[str] = []
    with App(read_settings({"ALERTING_HOME": str(home), "ALERTING_DEADMAN_URL": f"{watcher.url}/200"})) as app:
        outside = OutsideWatch(app, said.append)
        outside.look()
        outside.look()
        assert (len(watcher.asked), said) == (1, [])
        often = OutsideWatch(app, said.append, every=0)
        often.look()
        assert len(watcher.asked) == 2
        app.pulse.beat("pages", 1)
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("update ledger.heartbeats set at = at - interval '1 minute'")
        often.look()
        assert (len(watcher.asked), said) == (2, ["the outside watcher is not called: pages is not heard of"])
        app.pulse.rest(["pages"])
        often.look()
        assert len(watcher.asked) == 3


def test_a_failing_call_is_kept_without_its_address(
    watcher: Watcher, home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    said: list[str] = []
    with App(read_settings({"ALERTING_HOME": str(home), "ALERTING_DEADMAN_URL": f"{watcher.url}/500"})) as app:
        OutsideWatch(app, said.append).look()
        assert said == ["the outside watcher was not reached: it answered 500"]
        last = app.pulse.last_ping()
        assert last is not None and last[1] == "it answered 500"
        assert CANARY not in repr(app.settings)


def test_its_address_is_a_secret_that_a_file_may_hold(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(f"https://example.com/{CANARY}\n")
    settings = read_settings({"ALERTING_DEADMAN_URL_FILE": str(file)})
    assert settings.deadman_url is not None and CANARY not in repr(settings)
    with pytest.raises(BadCall, match="ALERTING_DEADMAN_URL is not a web address") as error:
        read_settings({"ALERTING_DEADMAN_URL": f"ftp://example.com/{CANARY}"})
    assert CANARY not in str(error.value)
