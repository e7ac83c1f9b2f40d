"""The sandbox of alert SQL, as far as the owner of a database can build it: what the reader and the analyst start with.

Settings of a role are defaults of its sessions; the reader's adapter sets its own beside them, so that neither is the
only one. What only a superuser can do (disk limit, functions that act) is in store.hardening.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

SETTINGS = {
    "alert_reader": {
        "default_transaction_read_only": "on",
        "statement_timeout": "60s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "60s",
        "work_mem": "64MB",
        "search_path": "pg_catalog",
    },
    "analyst": {
        "default_transaction_read_only": "on",
        "statement_timeout": "10min",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "10min",
        "work_mem": "64MB",
        "search_path": "marts, alerting, intermediate, staging, raw, operations",
    },
}
CONNECTIONS = {"alert_reader": 32, "analyst": 32}

# Roles belong to the server: on a foreign one an administrator may have made them, and we may not alter them; the
# adapter's own settings hold then. Two databases that migrate at once may meet in the same row of the catalog.
_TOLERANT = """
do $body$
begin
    {statement};
exception
    when insufficient_privilege then raise notice 'not permitted: {what}';
    when sqlstate 'XX000' then raise notice 'done at the same time by another database: {what}';
end
$body$
"""

# A function that somebody makes later is callable by nobody until it is granted.
DEFAULTS = """
alter default privileges revoke execute on functions from public
"""


def upgrade() -> None:
    for role, settings in SETTINGS.items():
        for name, value in settings.items():
            listed = value if name == "search_path" else f"'{value}'"
            op.execute(_TOLERANT.format(statement=f"alter role {role} set {name} = {listed}", what=f"{role} {name}"))
        op.execute(
            _TOLERANT.format(
                statement=f"alter role {role} connection limit {CONNECTIONS[role]}", what=f"{role} connection limit"
            )
        )
    op.execute(DEFAULTS)


def downgrade() -> None:
    raise RuntimeError("The ledger is never taken back; restore a backup instead.")
