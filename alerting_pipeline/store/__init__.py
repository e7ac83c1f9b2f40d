"""The ledger in Postgres: incidents, evaluations, outbox, loads, parameters, audit."""
