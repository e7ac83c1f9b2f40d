"""Great Expectations, asked for counts first and for a few values only where something failed.

Importing it takes five to fourteen seconds, so whoever will need it says so early (`warm_up`) and does something else
meanwhile. One context and one data source per instance, kept in memory: nothing is written and nobody is called. It
reads as the analyst, in sessions that can't write. Its own texts of errors may quote rows, so they are not repeated.
"""

from __future__ import annotations

import itertools
import logging
import re
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from alerting_pipeline.domain.data_check import Check, State
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.expectation import label
from alerting_pipeline.domain.relation import Relation

Stated = Mapping[str, Mapping[str, Any]]
_SESSION = "-c default_transaction_read_only=on -c statement_timeout={ms} -c timezone=UTC -c jit=off"
_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
_SAMPLES = {"result_format": "BASIC", "partial_unexpected_count": 3}
_NO_COLUMN = re.compile(r'The column "(\w{1,63})" in BatchData does not exist')


class GreatExpectations:
    """Judges expectations over tables, views and rows of cases."""

    def __init__(self, url: str, seconds: float = 60.0) -> None:
        self._url = url
        self._seconds = seconds
        self._import: threading.Thread | None = None
        self._source: Any = None
        self._numbers = itertools.count()

    def warm_up(self) -> None:
        """Begin importing it; returns at once."""
        if self._import is None:
            self._import = threading.Thread(target=_import_all, name="great_expectations", daemon=True)
            self._import.start()

    def close(self) -> None:
        """Give back its connections. Harmless when repeated."""
        if self._source is not None:
            self._source.get_engine().dispose()
            self._source = None

    def judge(self, relation: Relation, expectations: Sequence[Stated]) -> list[Check]:
        """One check for each expectation, in order; what goes wrong with one is its state, and no error.

        Raises AlertingError if Great Expectations can't look at the relation at all.
        """
        if not expectations:
            return []
        self.warm_up()
        if self._import is not None:
            self._import.join()
        results = self._validated(relation, dict(enumerate(expectations)), _COUNTS)
        failed = {
            place: expectations[place] for place, each in results.items() if each is not None and not each.success
        }
        samples = self._validated(relation, failed, _SAMPLES) if failed else {}
        return [
            _check(stated, results[place], _sample(samples.get(place))) for place, stated in enumerate(expectations)
        ]

    def _validated(self, relation: Relation, stated: Mapping[int, Stated], form: dict[str, Any]) -> dict[int, Any]:
        """Its result for each expectation; None: it can't be built, so its arguments are wrong."""
        import great_expectations as gx
        import great_expectations.expectations as classes

        built = {}
        for place, each in stated.items():
            ((name, arguments),) = each.items()
            kind = getattr(classes, _class_name(name), None)
            try:
                built[place] = kind(**{**arguments, "meta": {"place": place}}) if kind is not None else None
            except (TypeError, ValueError):
                built[place] = None
        suite = gx.ExpectationSuite(name="checks", expectations=[each for each in built.values() if each is not None])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = (
                    self._asset(relation)
                    .add_batch_definition(name="whole")
                    .get_batch()
                    .validate(suite, result_format=form)
                )
        except Exception as error:
            raise AlertingError(
                f"Great Expectations could not look at {_name(relation)} ({type(error).__name__}); is the model built?"
            ) from None
        by_place = {each.expectation_config.meta["place"]: each for each in found.results}
        return {place: by_place.get(place) for place in stated}

    def _asset(self, relation: Relation) -> Any:
        name = f"relation {next(self._numbers)}"
        if relation.table is not None:
            schema, table = relation.table
            return self._data_source().add_table_asset(name, table_name=table, schema_name=schema)
        return self._data_source().add_query_asset(name, query=f"select * from {relation.sql} as given_rows")

    def _data_source(self) -> Any:
        if self._source is None:
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig

            logging.getLogger("great_expectations").setLevel(logging.ERROR)
            context = gx.get_context(mode="ephemeral")
            context.variables.progress_bars = ProgressBarsConfig(globally=False)
            context.enable_analytics(False)
            options = _SESSION.format(ms=int(self._seconds * 1000))
            sources: Any = context.data_sources  # its types don't know all that the data source takes
            self._source = sources.add_postgres(
                "warehouse",
                connection_string=address(self._url),
                create_temp_table=False,
                kwargs={"connect_args": {"options": options, "application_name": "alerting-expectations"}},
            )
        return self._source


def address(url: str) -> str:
    """A libpq address as Great Expectations takes it: with the driver, and with a host although a socket has none."""
    parts = urlsplit(url)
    query = urlencode(parse_qsl(parts.query), quote_via=quote)
    login, at, host = parts.netloc.rpartition("@")
    return parts._replace(scheme="postgresql+psycopg", netloc=f"{login}{at}{host or 'localhost'}", query=query).geturl()


def _name(relation: Relation) -> str:
    return ".".join(relation.table) if relation.table else "the rows of the case"


def _import_all() -> None:
    import great_expectations
    import great_expectations.expectations  # noqa: F401


def _class_name(name: str) -> str:
    """`expect_column_pair_values_a_to_be_greater_than_b` → `ExpectColumnPairValuesAToBeGreaterThanB`."""
    return "".join("KL" if part == "kl" else part.capitalize() for part in name.split("_"))


def _check(stated: Stated, result: Any, sample: tuple[str, ...]) -> Check:
    name = label(stated)
    if result is None:
        return Check(name, State.BROKEN, "Great Expectations refuses these arguments; its gallery says what it takes")
    if (trouble := _trouble(result.exception_info)) is not None:
        return Check(name, State.BROKEN, trouble)
    seen = result.result or {}
    # Expectations of distinct values say nothing of what they observed unless a sample is asked for.
    is_unseen = seen.get("observed_value", 0) is None and "_distinct_values_" not in name
    if seen.get("element_count") == 0 or is_unseen:
        return Check(name, State.UNJUDGED, "there is no value to judge")
    if seen.get("element_count") and seen.get("missing_count") == seen.get("element_count"):
        return Check(name, State.UNJUDGED, f"it is NULL in all {seen['element_count']:,} rows")
    state = State.PASSED if result.success else State.FAILED
    return Check(name, state, _says(seen, dict(next(iter(stated.values())))), sample)


def _says(seen: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    if "unexpected_count" in seen and seen.get("element_count") is None:
        return f"{seen['unexpected_count'] or 0:,} distinct values are not so"
    if "unexpected_count" in seen:
        mostly = arguments.get("mostly")
        allowed = f", {1 - mostly:.1%} may be" if mostly is not None else ""
        return f"{seen['unexpected_count'] or 0:,} of {seen.get('element_count') or 0:,} rows are not so{allowed}"
    value = seen.get("observed_value")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "the values differ from those expected" if value is not None else "as expected"
    words = (("min_value", "at least"), ("max_value", "at most"), ("value", "exactly"))
    bounds = [f"{word} {arguments[key]}" for key, word in words if arguments.get(key) is not None]
    expected = f", expected {' and '.join(bounds)}" if bounds else ""
    return f"it is {value:,.6g}{expected}"


def _trouble(info: Any) -> str | None:
    """What Great Expectations says went wrong, without a text that may quote rows."""
    entries = [info] if "raised_exception" in (info or {}) else list((info or {}).values())
    raised = [entry for entry in entries if isinstance(entry, Mapping) and entry.get("raised_exception")]
    if not raised:
        return None
    said = " ".join(str(entry.get("exception_message")) for entry in raised)
    if (missing := _NO_COLUMN.search(said)) is not None:
        return f"there is no column {missing.group(1)}"
    return "Great Expectations failed over it; not all of its expectations work on Postgres"


def _sample(result: Any) -> tuple[str, ...]:
    seen = (result.result or {}) if result is not None else {}
    return tuple(str(value)[:80] for value in seen.get("partial_unexpected_list") or ())
