"""What a backtest says: incidents and messages a week, who is gained and lost, how far values lie from their limit, how
often it was right.

The first evaluation, at the start of the time, only finds what is there already: nobody can say since when. Those
incidents count as entities, and not as incidents, messages or weeks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.holding import ROWS, Why
from alerting_pipeline.domain.incident import Disposition
from alerting_pipeline.domain.replayed import Episode, Message, Replayed
from alerting_pipeline.domain.wilson import Share, share
from alerting_pipeline.domain.window import windows_between

EXAMPLES = 5
MOST_EVALUATIONS = 10_000
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is replayed, and how often it is evaluated: every so often, or as a schedule says."""

    start: datetime
    end: datetime
    every: timedelta = timedelta(days=1)
    cron: str | None = None
    timezone: str = "UTC"

    @property
    def instants(self) -> list[datetime]:
        """The start, each evaluation after it, and the end. Raises BadCall where there is no time, or too much."""
        if self.start >= self.end:
            raise BadCall(f"--from {self.start:%Y-%m-%d %H:%M} is not before --to {self.end:%Y-%m-%d %H:%M}; swap them")
        if self.cron is not None:
            between = windows_between(self.cron, self.timezone, self.start, self.end, MOST_EVALUATIONS)
            found = [self.start, *between]
        else:
            if self.every <= timedelta(0):
                raise BadCall("--every is no length of time; write one such as 1d or 6h")
            number = min(int((self.end - self.start) / self.every), MOST_EVALUATIONS)
            found = [self.start + self.every * each for each in range(number + 1)]
            found += [self.end] if found[-1] < self.end else []
        if len(found) > MOST_EVALUATIONS:
            raise BadCall(f"this would be more than {MOST_EVALUATIONS:,} evaluations; take a longer --every")
        return found

    @property
    def weeks(self) -> float:
        """Its length in weeks."""
        return (self.end - self.start) / _WEEK


def weeks_of_data(span: Span, data_from: datetime | None) -> float:
    """The weeks for which there is data, over which averages are taken: what nobody recorded was not quiet.

    Of less than a week nobody can say what a week brings, so a week is the least, where the time has one.
    """
    if data_from is None or data_from <= span.start:
        return span.weeks
    return min(span.weeks, max((span.end - data_from) / _WEEK, 1.0))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of an entity: whether an alert about it is right. It counts from when it was known."""

    fingerprint: UUID
    is_true: bool
    known_at: datetime


def verdict_of(fingerprint: UUID, disposition: str, known_at: datetime) -> Verdict | None:
    """A person's verdict on an incident; that it was expected says that nobody had to act, a duplicate says nothing."""
    if disposition == Disposition.DUPLICATE:
        return None
    return Verdict(fingerprint, disposition == Disposition.TRUE_POSITIVE, known_at)


@dataclass(frozen=True, slots=True)
class Week:
    """One week, by its Monday (UTC)."""

    week: date
    incidents: int
    messages: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecipientVolume:
    """What one recipient gets. `over_budget`: the share of what counts for the budget that waited for the digest."""

    recipient: str
    messages: int
    messages_per_week: float
    most_in_a_week: int
    budget: str | None = None
    over_budget: float | None = None
    is_row: bool = False


@dataclass(frozen=True, slots=True)
class Distribution:
    """How far values lie from their limit, over the incidents that have a deviance."""

    incidents: int
    minimum: Decimal
    lower_quartile: Decimal
    median: Decimal
    upper_quartile: Decimal
    maximum: Decimal


@dataclass(frozen=True, slots=True)
class Side:
    """What one set of values does. `standing`: entities that fired at the start already. `told`: the messages by what
    they tell; nobody acts in a replay, so it holds what the clock says of incidents that people would have taken.
    """

    values: Mapping[str, str]
    incidents: int
    incidents_per_week: float
    standing: int
    entities: int
    severities: Mapping[str, int]
    messages: int
    told: Mapping[str, int]
    weeks: tuple[Week, ...]
    recipients: tuple[RecipientVolume, ...]
    held_back: Mapping[str, int]
    deviance: Distribution | None
    precision: Share | None
    recall: Share | None
    evaluations: int
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One entity, with the incident that it had first."""

    entity: Mapping[str, str | None]
    severity: str
    deviance: Decimal | None
    opened_at: datetime
    summary: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Entities with an incident on the left only, and on the right only, with the first examples of each."""

    common: int
    gained: int
    lost: int
    examples_gained: tuple[Example, ...]
    examples_lost: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A backtest. `change` None: only what is in force was replayed. `against_ledger`: the replay of what is in force
    (gained) against the incidents that there really were (lost: those the replay has not). `weeks`: what averages are
    taken over; `data_from`: since when there is data, where that is later than the time asked for.
    """

    alert: str
    start: datetime
    end: datetime
    every: str
    source: str
    reads: str
    in_force: Side
    proposed: Side | None
    change: Difference | None
    against_ledger: Difference | None
    expected_per_week: Decimal | None
    notes: tuple[str, ...] = ()
    weeks: float = 0.0
    data_from: datetime | None = None

    @property
    def shown(self) -> Side:
        """What would hold."""
        return self.proposed or self.in_force


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who reads a destination, and what they want at most."""

    name: str
    budget: str | None = None


@dataclass(frozen=True, slots=True)
class Summing:
    """What is needed to sum a replay up. `whose` says who reads a destination."""

    span: Span
    whose: Callable[[str], Addressee]
    verdicts: Mapping[UUID, Verdict] = field(default_factory=dict)
    population: frozenset[UUID] | None = None
    data_from: datetime | None = None

    @property
    def weeks(self) -> float:
        """What averages are taken over."""
        return weeks_of_data(self.span, self.data_from)

    def side(self, values: Mapping[str, str], found: Replayed) -> Side:
        """The replay in numbers. `population`: the entities of which labels say that they are true; None: no labels."""
        counted = [each for each in found.episodes if each.opened_at > self.span.start]
        told = [each for each in found.messages if each.told_at > self.span.start]
        fired = {each.fingerprint for each in found.episodes}
        known = [self.verdicts[each] for each in sorted(fired, key=str) if each in self.verdicts]
        hits = sum(each.is_true for each in known)
        recall = None if self.population is None else share(len(self.population & fired), len(self.population))
        held = Counter(each.why for each in found.held if each.held_at > self.span.start)
        return Side(
            values=values,
            incidents=len(counted),
            incidents_per_week=len(counted) / self.weeks,
            standing=len({each.fingerprint for each in found.episodes if each.opened_at <= self.span.start}),
            entities=len(fired),
            severities=dict(sorted(Counter(each.severity for each in counted).items())),
            messages=sum(each.channel not in ROWS for each in told),
            told=dict(sorted(Counter(each.transition for each in told if each.channel not in ROWS).items())),
            weeks=tuple(self._weeks(counted, told)),
            recipients=tuple(self._recipients(told, found)),
            held_back=dict(sorted(held.items())),
            deviance=distribution(each.deviance for each in counted),
            precision=share(hits, len(known)),
            recall=recall,
            evaluations=found.evaluations,
            failures=found.failures,
        )

    def _weeks(self, episodes: Sequence[Episode], told: Sequence[Message]) -> Iterator[Week]:
        """Every week that the time touches, quiet ones too."""
        incidents = Counter(monday(each.opened_at) for each in episodes)
        messages: dict[date, Counter[str]] = defaultdict(Counter)
        for each in told:
            if each.channel not in ROWS:
                messages[monday(each.told_at)][self.whose(each.destination).name] += 1
        week = monday(self.span.start)
        while week <= monday(self.span.end - timedelta(microseconds=1)):
            yield Week(week, incidents[week], dict(sorted(messages[week].items())))
            week += _WEEK

    def _recipients(self, told: Sequence[Message], found: Replayed) -> Iterator[RecipientVolume]:
        over = Counter(
            each.recipient for each in found.held if each.why == Why.BUDGET and each.held_at > self.span.start
        )
        counted = Counter(each.counted_for for each in told if each.counted_for is not None)
        by_recipient: dict[tuple[Addressee, bool], list[Message]] = defaultdict(list)
        for each in told:
            is_row = each.channel in ROWS
            by_recipient[Addressee(each.destination) if is_row else self.whose(each.destination), is_row].append(each)
        for (who, is_row), messages in sorted(by_recipient.items(), key=lambda item: (item[0][1], item[0][0].name)):
            weekly = Counter(monday(each.told_at) for each in messages)
            spent = counted[who.name] + over[who.name]
            yield RecipientVolume(
                recipient=who.name,
                messages=len(messages),
                messages_per_week=len(messages) / self.weeks,
                most_in_a_week=max(weekly.values()),
                budget=who.budget,
                over_budget=over[who.name] / spent if who.budget and spent else None,
                is_row=is_row,
            )


def difference(before: Iterable[Episode], after: Iterable[Episode]) -> Difference:
    """Entities that only `after` has, and only `before`; the worst are the examples."""
    first_before, first_after = _first(before), _first(after)
    gained = [first_after[key] for key in first_after.keys() - first_before.keys()]
    lost = [first_before[key] for key in first_before.keys() - first_after.keys()]
    return Difference(
        common=len(first_before.keys() & first_after.keys()),
        gained=len(gained),
        lost=len(lost),
        examples_gained=tuple(_examples(gained)),
        examples_lost=tuple(_examples(lost)),
    )


def distribution(deviances: Iterable[Decimal | None]) -> Distribution | None:
    """Minimum, quartiles and maximum; a quartile is a value that there was, not one in between."""
    found = sorted(each for each in deviances if each is not None)
    if not found:
        return None
    at = [found[round((len(found) - 1) * quarter / 4)] for quarter in range(5)]
    return Distribution(len(found), *at)


def monday(at: datetime) -> date:
    """The Monday of its week (UTC)."""
    return at.date() - timedelta(days=at.weekday())


def _first(episodes: Iterable[Episode]) -> dict[UUID, Episode]:
    found: dict[UUID, Episode] = {}
    for each in episodes:
        found.setdefault(each.fingerprint, each)
    return found


def _examples(episodes: Iterable[Episode]) -> Iterator[Example]:
    def worst_first(each: Episode) -> tuple[float, datetime, str]:
        return -float(each.deviance or 0), each.opened_at, str(each.fingerprint)

    for each in sorted(episodes, key=worst_first)[:EXAMPLES]:
        yield Example(each.entity, each.severity, each.deviance, each.opened_at, each.summary)
