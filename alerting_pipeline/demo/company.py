"""Who the sample company deals with: its customers and the terminals they pay at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TypeVar

T = TypeVar("T")

CUSTOMERS = 1_000
TERMINALS = 300

_FIRST = (
    "Ada", "Bo", "Carmen", "Dev", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jun", "Kofi", "Lena", "Mateo", "Noor",
    "Olga", "Pia", "Quinn", "Rosa", "Sami", "Tess", "Uma", "Viktor", "Wanda", "Ximena", "Yusuf", "Zoe",
)  # fmt: skip
_LAST = (
    "Abara", "Becker", "Costa", "Dahl", "Eriksen", "Fontaine", "Grant", "Hoang", "Ivanov", "Jansen", "Kaya", "Lopez",
    "Moreau", "Nakata", "Okoro", "Petrov", "Quist", "Rossi", "Silva", "Tanaka", "Umar", "Varga", "Weiss", "Young",
)  # fmt: skip
_TRADES = ("Bakery", "Books", "Camping", "Dental", "Flowers", "Fuel", "Garden", "Grocer", "Hotel", "Music", "Optics")
_PLACES = ("Harbour", "Hill", "Market", "Mill", "Park", "River", "Station", "Tower", "Valley")
_CITIES = ("Bergen", "Cork", "Ghent", "Graz", "Lyon", "Porto", "Tartu", "Turku")
_COUNTRIES = ("AT", "BE", "EE", "FI", "FR", "IE", "NO", "PT")
_USUAL = {"retail": (20, 90), "premium": (80, 400), "business": (300, 1_500)}


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer. `usual` is the middle of what they pay at a time, in USD; segment None: the CRM does not say."""

    customer_id: int
    name: str
    segment: str | None
    country: str
    usual: float


@dataclass(frozen=True, slots=True)
class Terminal:
    """One card terminal at a merchant."""

    terminal_id: int
    merchant: str
    category: str
    city: str


@lru_cache(maxsize=4)
def customers(seed: int) -> tuple[Customer, ...]:
    """The ordinary customers: eight in ten retail, most others premium, some businesses."""
    dice = Random(f"{seed}:customers")  # noqa: S311  (a story, not a secret)
    return tuple(_customer(number, dice) for number in range(1, CUSTOMERS + 1))


@lru_cache(maxsize=4)
def terminals(seed: int) -> tuple[Terminal, ...]:
    """The terminals, each at a merchant of its own."""
    dice = Random(f"{seed}:terminals")  # noqa: S311  (a story, not a secret)
    found = []
    for number in range(1, TERMINALS + 1):
        trade = pick(dice, _TRADES)
        merchant = f"{pick(dice, _PLACES)} {trade} {number}"
        found.append(Terminal(number, merchant, trade.lower(), pick(dice, _CITIES)))
    return tuple(found)


def person_name(number: int) -> str:
    """A name for a customer who is part of the story; the same number has the same name."""
    return f"{_FIRST[number * 7 % len(_FIRST)]} {_LAST[number * 5 % len(_LAST)]}"


def pick(dice: Random, choices: tuple[T, ...]) -> T:
    """One of the choices, by the generator's `random` alone, whose sequence is the same in every Python."""
    return choices[int(dice.random() * len(choices))]


def _customer(number: int, dice: Random) -> Customer:
    roll = dice.random()
    segment = "retail" if roll < 0.8 else "premium" if roll < 0.95 else "business"
    name = f"{pick(dice, _FIRST)} {pick(dice, _LAST)}"
    if segment == "business":
        name = f"{pick(dice, _LAST)} {pick(dice, _TRADES)} Ltd"
    least, most = _USUAL[segment]
    return Customer(number, name, segment, pick(dice, _COUNTRIES), least + (most - least) * dice.random())
