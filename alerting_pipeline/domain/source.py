"""What a source is: where its files lie, in which format, and what a new delivery does to the data there is.

It is declared once, in the dbt source YAML under `meta.ingest`; the raw table, the loader, the lineage and the file
sensor all derive from that declaration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from alerting_pipeline.domain.file_pattern import FilePattern
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.written import Strict, Text, Texts

_TYPES = {
    "text": "text", "varchar": "character varying", "character varying": "character varying", "char": "character",
    "boolean": "boolean", "bool": "boolean", "smallint": "smallint", "int2": "smallint", "integer": "integer",
    "int": "integer", "int4": "integer", "bigint": "bigint", "int8": "bigint", "real": "real", "float4": "real",
    "double precision": "double precision", "float": "double precision", "float8": "double precision",
    "numeric": "numeric", "decimal": "numeric", "date": "date", "time": "time without time zone", "uuid": "uuid",
    "json": "json", "jsonb": "jsonb", "bytea": "bytea", "interval": "interval",
    "timestamptz": "timestamp with time zone", "timestamp with time zone": "timestamp with time zone",
    "timestamp": "timestamp without time zone", "timestamp without time zone": "timestamp without time zone",
}  # fmt: skip
_SIZED = {"numeric": 2, "character varying": 1, "character": 1}
_TYPE = re.compile(r"([a-z][a-z0-9 ]*?)(?: ?\( ?(\d{1,6}) ?(?:, ?(\d{1,6}) ?)?\))?")


class Mode(StrEnum):
    """What a delivery does to the data there is."""

    APPEND = "append"
    REPLACE_PERIOD = "replace_period"
    SNAPSHOT = "snapshot"


class Cron(Strict):
    """Loaded on a schedule instead of on arrival."""

    cron: Text = Field(description="The schedule, in five fields.")
    timezone: Text = Field(default="UTC", description="The time zone that the schedule is meant in.")


class Sums(Strict):
    """Of each file only sums are kept: of these columns, by those, with the number of rows in a column of its own."""

    of: Texts = Field(min_length=1, description="The columns that are summed.")
    by: Texts = Field(description="The columns whose values have a sum each.")
    count: Text = Field(description="The column that takes the number of rows behind each sum.")


def _pattern(value: object) -> FilePattern:
    return value if isinstance(value, FilePattern) else FilePattern.parse(str(value))


class Ingest(Strict):
    """`meta.ingest` of a source, checked."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: Literal["files"] = Field(description="What the source consists of.")
    pattern: Annotated[FilePattern, BeforeValidator(_pattern)] = Field(
        description="Which files, below the root; a {field} stands for one part of the path, * for anything in one."
    )
    mode: Mode = Field(
        description="What a delivery does: append adds each file once, replace_period restates the period it is for, "
        "snapshot replaces the whole table."
    )
    format: Literal["csv", "jsonl", "parquet"] = Field(description="How the files are written; .gz is unpacked.")
    root: Text = Field(default="", description="The folder below the landing folder; default: the source's name.")
    period: Text | None = Field(default=None, description="The field of the pattern that names the period restated.")
    delivery: Text | None = Field(default=None, description="The field of the pattern that tells the newest delivery.")
    trigger: Literal["arrival"] | Cron = Field(default="arrival", description="arrival, or a schedule {cron: …}.")
    null_as: Text = Field(default="", description="How the files write NULL, in CSV.")
    delimiter: Text = Field(default=",", description="The sign between two fields, in CSV.")
    encoding: Literal["utf-8", "latin-1", "windows-1252"] = Field(
        default="utf-8", description="How the characters of the files are written."
    )
    sums: Sums | None = Field(
        default=None, description="With append: keep only sums of each file, {of: […], by: […], count: …}."
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        for key in ("period", "delivery"):
            name = getattr(self, key)
            if name is not None and name not in self.pattern.fields:
                raise Mistake(
                    "AP502", f"{key} names {{{name}}}, which is not a field of the pattern {self.pattern.text}"
                )
        if self.mode is Mode.REPLACE_PERIOD and self.period is None:
            raise Mistake("AP502", "mode replace_period needs period: the field of the pattern that names the period")
        if self.mode is not Mode.REPLACE_PERIOD and self.period is not None:
            raise Mistake("AP503", f"mode {self.mode} has no period; remove it, or write mode: replace_period")
        if self.mode is Mode.APPEND and self.delivery is not None:
            raise Mistake("AP503", "mode append takes each file by its name; remove delivery, or choose another mode")
        if self.mode is Mode.SNAPSHOT and self.delivery is None and self.pattern.fields:
            raise Mistake(
                "AP503",
                "mode snapshot needs delivery: the field of the pattern that says which snapshot is the newest "
                f"(here {', '.join(sorted(self.pattern.fields))})",
            )
        if self.sums is not None and self.mode is not Mode.APPEND:
            raise Mistake("AP503", "sums are kept of each file, however often it is restated; write mode: append")
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n\\':
            raise Mistake("AP503", "delimiter must be a single character, such as , or ;")
        if any(each in self.null_as for each in '"\r\n') or (self.null_as and self.delimiter in self.null_as):
            raise Mistake("AP503", "null_as can't contain quotes, line ends or the delimiter")
        if self.root.startswith("/") or ".." in self.root.split("/"):
            raise Mistake("AP503", "root must be a folder below the landing folder, such as card_transactions")
        return self


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column of a raw table, its type as Postgres writes it."""

    name: str
    data_type: str = "text"
    description: str = ""

    @property
    def is_text(self) -> bool:
        return self.data_type.startswith(("text", "character"))


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the newest row may become, as dbt's `freshness` says it."""

    warn_after: timedelta | None = None
    error_after: timedelta | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A raw table and where its rows come from. `place` is file:line of the declaration."""

    name: str
    ingest: Ingest
    columns: tuple[Column, ...] = ()
    schema: str = "raw"
    description: str = ""
    owner: str | None = None
    freshness: Freshness = field(default_factory=Freshness)
    place: str = ""

    @property
    def mode(self) -> Mode:
        return self.ingest.mode

    @property
    def root(self) -> str:
        """Its folder below the landing folder."""
        return self.ingest.root or self.name

    @property
    def types(self) -> dict[str, str]:
        return {column.name: column.data_type for column in self.columns}


def canonical_type(written: str) -> str | None:
    """The type as Postgres itself writes it, or None where a raw column can't have it.

    The list also keeps anything else than a type out of the statements that make tables.
    """
    match = _TYPE.fullmatch(" ".join(written.lower().split()))
    name = _TYPES.get(match.group(1)) if match else None
    if match is None or name is None:
        return None
    sizes = [size for size in match.groups()[1:] if size is not None]
    if len(sizes) > _SIZED.get(name, 0):
        return None
    if name == "numeric" and len(sizes) == 1:
        sizes.append("0")
    return f"{name}({','.join(sizes)})" if sizes else name
