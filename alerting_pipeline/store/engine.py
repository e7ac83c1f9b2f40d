"""Engines for the ledger. Addresses are libpq URIs everywhere; the driver is named here and nowhere else."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine


def engine_for(url: str, application: str = "alerting") -> Engine:
    """A pooled engine of psycopg 3; broken connections are noticed before use, so a restarted server is no error."""
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=5,
        max_overflow=15,
        pool_pre_ping=True,
        connect_args={"application_name": application, "connect_timeout": 10},
    )
