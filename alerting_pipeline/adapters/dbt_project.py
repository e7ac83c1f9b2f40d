"""The dbt project as the program runs it: parsed once per content, built with results as they come.

dbt runs as a process of its own that reports in JSON, one line an event: it can be stopped at any time, its memory
goes with it, and its messages are the same ones that Dagster's dbt op reads, so both feed one health tracker.
Nothing is written inside the project: artifacts, logs and the cached manifest live in the home.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from alerting_pipeline.adapters.dbt_code import code_of
from alerting_pipeline.adapters.processes import leashed, stop_group
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.health import BuildGraph, BuildNode, NodeResult

_DBT = (sys.executable, "-c", "from dbt.cli.main import cli; cli()")
BUILD = ("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure")
"""A build of the warehouse. Unit tests judge the code, not the data (`make test` runs them), and those of incremental
models can't run before the first build. Exposures are only told of: there is nothing to build."""

_KEPT_MANIFESTS = 3
_BUILD_LOCK = "alerting dbt build"  # name of the advisory lock, hashed by the server
_RESULT_EVENTS = frozenset(
    ("LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult", "LogFreshnessResult", "LogNodeNoOpResult")
)
_SKIP_EVENTS = frozenset(("SkippingDetails", "LogSkipBecauseError"))
_IGNORED_FOLDERS = frozenset(("target", "logs", "__pycache__", ".git"))


@dataclass(frozen=True, slots=True)
class DbtProject:
    """One dbt project folder, the home that holds what it produces, and the database that it builds in.

    `database` is the name that relations are written with; `url` gives the owner's address, and is asked only when
    dbt has to connect, so that parsing needs no database. `inherited` is the environment that dbt's process gets
    beside what it is told here.
    """

    folder: Path
    home: Path
    database: str = "alerting"
    url: Callable[[], str] | None = None
    inherited: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Path:
        """Where dbt writes its artifacts and its log."""
        return self.home / "dbt" / "target"

    def environment(self, *, connected: bool = True) -> dict[str, str]:
        """What profiles.yml and dbt read from the environment. Holds the password: for child processes only."""
        target = str(self.target if connected else self._parsed)
        return {
            "ALERTING_DBT_DBNAME": self.database,
            "ALERTING_AS_OF": self.inherited.get("ALERTING_AS_OF", ""),
            **(_connection_variables(self.url()) if connected and self.url else {}),
            "DBT_PROJECT_DIR": str(self.folder),
            "DBT_PROFILES_DIR": str(self.folder),
            "DBT_TARGET_PATH": target,
            "DBT_LOG_PATH": target,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
            "DBT_LOG_FORMAT_FILE": "debug",  # what people read stays text, although we read JSON
        }

    def parse(self) -> Path:
        """Path of a manifest that matches the project's files; runs dbt only when they changed (4 s)."""
        kept = self.home / "dbt" / f"manifest-{self._content_hash()}.json"
        if kept.exists():
            os.utime(kept)  # recently used ones are kept
            return kept
        for _ in self._events(["parse"]):
            pass
        incoming = kept.with_suffix(f".{os.getpid()}")
        incoming.write_bytes((self._parsed / "manifest.json").read_bytes())
        incoming.replace(kept)
        self._forget_old_manifests()
        return kept

    def manifest(self) -> dict[str, Any]:
        """The parsed project, as dbt writes it."""
        return json.loads(self.parse().read_bytes())

    def select(self, selection: Sequence[str]) -> frozenset[str]:
        """Unique ids of the nodes that `dbt build --select …` would run; without a selection, all of them."""
        if not selection:
            return buildable(self.manifest())
        lines = self._run(
            ["ls", "--output", "json", "--output-keys", "unique_id", *BUILD[1:], "--quiet", *_select(selection)]
        )
        found = frozenset(str(json.loads(line)["unique_id"]) for line in lines if line.startswith("{"))
        if not found:
            raise AlertingError(f"--select {' '.join(selection)} selects nothing in {self.folder}; see `dbt ls`")
        return found

    def build(self, selection: Sequence[str] = ()) -> Iterator[NodeResult]:
        """Run `dbt build`, one build at a time per database, and yield each node's result as soon as dbt tells it.

        Failing nodes are results like others. Raises AlertingError if dbt itself breaks off. Closing the iterator
        stops dbt.
        """
        with one_build_at_a_time(self.url and self.url()):
            for event in self._events([*BUILD, *_select(selection)]):
                if result := node_result(event):
                    yield result

    def _run(self, arguments: Sequence[str]) -> list[str]:
        """Run dbt to its end and return the lines that it printed."""
        self._parsed.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            leashed([*_DBT, *arguments]), env={**self.inherited, **self.environment(connected=False)},
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise AlertingError(f"dbt {arguments[0]} failed: {(done.stdout + done.stderr).strip()[-500:]}")
        return done.stdout.splitlines()

    def _events(self, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
        environment = self.environment(connected=arguments[0] == "build")
        log = Path(environment["DBT_LOG_PATH"]) / "dbt.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            leashed([*_DBT, *arguments]), cwd=self.folder, text=True, errors="replace",
            env={**self.inherited, **environment, "DBT_LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        trouble: list[str] = []
        try:
            for line in process.stdout or ():
                event = _parsed(line)
                if event is None:
                    trouble.append(line.strip())
                    continue
                if event["info"]["level"] == "error":
                    trouble.append(str(event["info"]["msg"]).strip())
                yield event
            if process.wait() not in (0, 1) or (process.returncode == 1 and arguments[0] != "build"):
                raise AlertingError(f"dbt {arguments[0]} broke off: {_shorten(' '.join(trouble))}; see {log}")
        finally:
            stop_group(process)

    @property
    def _parsed(self) -> Path:
        """Where parsing without a connection writes: another connection makes dbt parse anew what it has parsed."""
        return self.home / "dbt" / "parsed"

    def _content_hash(self) -> str:
        """Changes with every file of the project, with dbt's version and with the database that relations name."""
        digest = hashlib.sha256(metadata.version("dbt-core").encode())
        digest.update(self.database.encode())
        for path in sorted(self.folder.rglob("*")):
            relative = path.relative_to(self.folder)
            if path.is_file() and not _IGNORED_FOLDERS & set(relative.parts):
                digest.update(f"\0{relative}\0".encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def _forget_old_manifests(self) -> None:
        kept = sorted((self.home / "dbt").glob("manifest-*.json"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-_KEPT_MANIFESTS]:
            path.unlink(missing_ok=True)


def node_result(event: Mapping[str, Any]) -> NodeResult | None:
    """The result that one of dbt's JSON events tells, if it tells one. Skipped nodes have an event of their own.

    A node that failed is told twice: what became of it, and then why: in dbt's log file right after it, in what dbt
    prints at the end of the build.
    """
    name, data = event["info"]["name"], event["data"]
    unique_id = data.get("node_info", {}).get("unique_id")
    if unique_id and not unique_id.startswith("test.") and (reason := _reason(name, data)):
        reason = reason.partition("compiled code at")[0]
        return NodeResult(unique_id, "error", message=reason, invocation_id=event["info"].get("invocation_id", ""))
    if not unique_id or name not in _RESULT_EVENTS | _SKIP_EVENTS:
        return None
    return NodeResult(
        unique_id=unique_id,
        status="skipped" if name in _SKIP_EVENTS else _status(data),
        failures=data.get("num_failures"),
        invocation_id=event["info"].get("invocation_id", ""),
    )


def _reason(name: str, data: Mapping[str, Any]) -> str:
    """Why a node could not be built, if the event says it."""
    if name == "RunResultError":
        return str(data.get("msg") or "")
    told = (data.get("run_result") or {}) if name == "NodeFinished" else {}
    return str(told.get("message") or "") if told.get("status") == "error" else ""


def build_graph(manifest: Mapping[str, Any]) -> BuildGraph:
    """The part of a dbt manifest that health depends on."""
    given = {**manifest["nodes"], **manifest["sources"]}
    parents = {each: frozenset(node.get("depends_on", {}).get("nodes", ())) for each, node in given.items()}
    lineage = BuildGraph({each: BuildNode(each, given[each]["name"], "", parents[each]) for each in given})
    nodes: dict[str, BuildNode] = {}
    for unique_id, node in given.items():
        kind = node["resource_type"]
        concerns = _judged(node, lineage) if kind == "test" else frozenset()
        severity = str(node.get("config", {}).get("severity") or "error").lower()
        is_error = severity == "error"
        code = "" if kind == "source" else code_of(node, manifest.get("macros", {}))
        nodes[unique_id] = BuildNode(unique_id, node["name"], kind, parents[unique_id], concerns, is_error, code)
    return BuildGraph(nodes)


def _judged(test: Mapping[str, Any], lineage: BuildGraph) -> frozenset[str]:
    """The nodes that a test speaks about. One that compares a model with what it is built from judges the model."""
    if attached := test.get("attached_node"):
        return frozenset([attached])
    read = lineage.nodes[test["unique_id"]].parents
    return read - frozenset().union(*(lineage.ancestors(each) for each in read))


def buildable(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Unique ids of everything that a whole build runs."""
    return frozenset(
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot", "test")
        and node.get("config", {}).get("materialized") != "ephemeral"
    )


@contextmanager
def one_build_at_a_time(url: str | None) -> Iterator[None]:
    """Two builds of one database would drop each other's half-built tables: the second waits for the first.

    The lock is the connection's, so a killed process gives it back.
    """
    if url is None:
        yield
        return
    import psycopg

    with psycopg.connect(_libpq(url), autocommit=True, application_name=_BUILD_LOCK) as connection:
        connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [_BUILD_LOCK])
        yield


def _select(selection: Sequence[str]) -> list[str]:
    return ["--select", *selection] if selection else []


def _status(data: Mapping[str, Any]) -> str:
    """dbt tells a model's status in node_info, a unit test's in the event, and a model's database answer there too."""
    told = data.get("node_info", {}).get("node_status")
    return str(told if told not in (None, "", "None") else data.get("status", "error")).lower()


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and {"info", "data"} <= event.keys() else None


def _shorten(text: str, length: int = 600) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[:length]}…"


def _libpq(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"


def _connection_variables(url: str) -> dict[str, str]:
    """The parts of a database URL, under the names that profiles.yml reads. A socket folder counts as the host."""
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(_libpq(url))
    return {
        "ALERTING_DBT_HOST": str(parts.get("host") or "localhost"),
        "ALERTING_DBT_PORT": str(parts.get("port") or 5432),
        "ALERTING_DBT_USER": str(parts.get("user") or ""),
        "ALERTING_DBT_PASSWORD": str(parts.get("password") or ""),
        "ALERTING_DBT_DBNAME": str(parts.get("dbname") or "postgres"),
    }
