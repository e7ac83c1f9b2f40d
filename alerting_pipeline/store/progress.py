"""How far a pass is, written where another process can read it: a Dagster run tells the terminal that started it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, text

from alerting_pipeline.domain.ports import Progress


@dataclass(frozen=True, slots=True)
class LedgerProgress:
    """A Progress that writes each report as a row of ledger.progress."""

    engine: Engine
    run: str

    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "insert into ledger.progress (run, step, item, done, total) "
                    "values (:run, :step, :item, :done, :total)"
                ),
                {"run": self.run, "step": step, "item": item, "done": done, "total": total},
            )


def newest_progress(engine: Engine) -> int:
    """The id of the last report there is; 0 where there is none."""
    with engine.connect() as connection:
        return connection.execute(text("select coalesce(max(progress_id), 0) from ledger.progress")).scalar_one()


def relay(engine: Engine, after: int, progress: Progress) -> int:
    """Hand the reports after the id `after` on to `progress`; the id of the last one handed on."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "select progress_id, step, item, done, total from ledger.progress where progress_id > :after order by 1"
            ),
            {"after": after},
        ).all()
    for row in rows:
        progress.report(row.step, row.item, row.done, row.total)
    return rows[-1].progress_id if rows else after


def forget_progress(engine: Engine, days: int = 7) -> None:
    """Reports are of no use after the run; old ones are removed so that the table stays small."""
    with engine.begin() as connection:
        connection.execute(
            text("delete from ledger.progress where at < clock_timestamp() - make_interval(days => :days)"),
            {"days": days},
        )
