"""Alembic's entry: migrates over the connection that `store.migrate` already holds the lock on."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="ledger", transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
