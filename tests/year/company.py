"""The company of the simulated year: five teams in four time zones, five marts of 2,000 entities, fifty definitions.

Everything here is sample data. It is what people.yaml, routing.yaml and the definition files would say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.routing_tree import RoutingTree

BEGIN = date(2026, 3, 16)
"""So that both a few weeks and a year from here cross changes of the clocks: Berlin's is on 29 March 2026."""
ENTITIES = 2_000
MARTS = {
    "payments": ("treasury", "Europe/Berlin"),
    "orders": ("fraud", "America/New_York"),
    "stock": ("supply", "Asia/Kolkata"),
    "visits": ("care", "Australia/Adelaide"),
    "claims": ("claims", "Europe/Berlin"),
}
"""Each mart with the team that answers for it, and the clock of that team."""
METRICS = ("a", "b", "c")
PER_DAY, PER_WEEK = 12, 6
"""The noise budgets: of a team a day, of a person a week."""
_NAMES = ("ana", "ben", "cem", "dee", "eva")


def _absences(number: int, substitute: str) -> list[dict[str, Any]]:
    """Two weeks in summer and one in winter, each person at another time."""
    summer = date(2026, 4, 6) + timedelta(days=21 * number)
    winter = date(2026, 11, 30) + timedelta(days=7 * number)
    return [
        {"from": summer, "to": summer + timedelta(days=13), "substitute": substitute},
        {"from": winter, "to": winter + timedelta(days=6)},
    ]


def _team(team: str, zone: str) -> dict[str, Any]:
    names = [f"{name}_{team}" for name in _NAMES]
    return {
        "members": names,
        "lead": names[4],
        "rota": {"weekly": names[:4], "hand_over": "mon 09:00", "timezone": zone, "starts": date(2026, 1, 5)},
        "hours": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:30", "timezone": zone},
        "holidays": [date(2026, 4, 3), date(2026, 5, 1), date(2026, 12, 25), date(2027, 1, 1)],
        "escalation": {"on_call_after": "3h", "lead_after": "8h"},
        "slack": f"#{team}",
        "budget": f"{PER_DAY} per day",
    }


def people() -> People:
    """One of each team leaves within the year; the rota goes on without them."""
    everybody: dict[str, Any] = {}
    for team, _ in MARTS.values():
        for number, name in enumerate(_NAMES):
            everybody[f"{name}_{team}"] = {
                "email": f"{name}.{team}@example.com",
                "absences": _absences(number, f"{_NAMES[(number + 2) % 4]}_{team}"),
                "budget": f"{PER_WEEK} per week",
                **({"left": date(2026, 10, 1)} if name == "ben" else {}),
            }
    return People.model_validate(
        {"people": everybody, "teams": {team: _team(team, zone) for team, zone in MARTS.values()}}
    )


def routing() -> RoutingTree:
    """Each team in its own channel; what is critical goes to whoever is on call as well."""
    branches: list[dict[str, Any]] = [
        {"name": "failures", "match": {"kind": ["system", "data"]}, "destinations": ["#data"]}
    ]
    for team, _ in MARTS.values():
        critical = {"match": {"severity": ["critical"]}, "destinations": [f"#{team}", f"@{team}"]}
        branches.append(
            {"name": team, "match": {"owner": [team]}, "destinations": [f"#{team}"], "children": [critical]}
        )
    return RoutingTree.model_validate({"fallback": ["#data"], "routes": branches})


def destinations() -> dict[str, Destination]:
    """The channels of the teams, and that of the engineers."""
    channels = {f"#{team}": Destination(name=f"#{team}", channel="slack") for team, _ in MARTS.values()}
    return {**channels, "#data": Destination(name="#data", channel="slack", audience="engineering")}


_LEVELS = [
    {"level": "critical", "when": "deviance >= 6", "respond_within": "1h", "remind_every": "4h"},
    {"level": "high", "when": "deviance >= 2.5", "respond_within": "8h", "remind_every": "1d"},
    {"level": "medium", "respond_within": "2d", "remind_every": "3d"},
]
_KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"for": "6h"},
    {"keep_firing_for": "12h"},
    {"reopen_within": "2d"},
    {"digest": "daily", "severity": [_LEVELS[0], {"level": "low"}]},
    {"group_by": ["region"]},
    {"digest": "hourly"},
    {"expire_after": "2d"},
    {"update_when": {"deviance_changes_by": 0.5}, "reopen_within": "12h", "keep_firing_for": "6h"},
    {"severity": [{"level": "critical", "respond_within": "30m", "remind_every": "2h"}], "for": "1h"},
)


def definitions() -> dict[str, AlertDefinition]:
    """Ten over each mart, no two alike in how their incidents open, stay, end and are told."""
    found = {}
    for mart, (team, _) in MARTS.items():
        for number, kind in enumerate(_KINDS):
            metric = METRICS[number % 3]
            values = {
                "alert": f"{mart}_{metric}_{number}",
                "model": mart,
                "entity": "id",
                "condition": f"{metric} > :limit",
                "parameters": {"limit": {"default": 100 + 60 * (number // 3)}},
                "severity": _LEVELS,
                "summary": f"{{{{ id }}}} is {{{{ {metric} }}}}",
                "fields": ["region"],
                "link": "https://example.com/{{ id }}",
                "runbook": "docs/x.md",
                "owner": team,
                **kind,
            }
            found[values["alert"]] = AlertDefinition.model_validate(values)
    return found


def catalog() -> Catalog:
    """The marts as dbt would describe them."""
    columns = {"id": "text", "region": "text", **dict.fromkeys(METRICS, "numeric")}
    return Catalog(
        {
            mart: Model(
                name=mart, unique_id=f"model.x.{mart}", relation=f"marts.{mart}", columns=columns,
                unique_keys=(frozenset({"id"}),),
            )
            for mart in MARTS
        }
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Company:
    """All of it."""

    people: People = field(default_factory=people)
    routing: RoutingTree = field(default_factory=routing)
    destinations: dict[str, Destination] = field(default_factory=destinations)
    definitions: dict[str, AlertDefinition] = field(default_factory=definitions)
    catalog: Catalog = field(default_factory=catalog)

    def alerts_of(self, mart: str) -> list[str]:
        """The alerts that read a mart."""
        return [name for name, item in self.definitions.items() if item.model == mart]
