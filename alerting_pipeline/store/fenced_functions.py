"""What alert SQL may not call or read although Postgres lets everybody: names in pg_catalog, `*` for any ending.

Not on it: what tells names of relations and types (to_regclass and its kin), for every driver needs it, and what needs
a privilege that the reader hasn't got anyway (nextval, pg_restore_relation_stats).
"""

# They act: on the session, on other sessions, on files, on the server. Kept by the owner (Alembic, dbt) and the app.
ACTING = (
    "set_config", "pg_sleep*", "pg_notify", "pg_terminate_backend", "pg_cancel_backend", "pg_advisory_*",
    "pg_try_advisory_*", "lo_*", "loread", "lowrite", "pg_export_snapshot", "pg_current_xact_id", "txid_current",
    "pg_logical_*", "pg_replication_*", "pg_create_*_slot", "pg_copy_*_slot", "pg_drop_replication_slot",
    "pg_sync_replication_slots", "pg_create_restore_point", "pg_switch_wal", "pg_wal_replay_*", "pg_backup_*",
    "pg_promote", "pg_reload_conf", "pg_rotate_logfile", "pg_log_*", "pg_read_*", "pg_ls_*", "pg_stat_file",
    "pg_current_logfile", "pg_stat_reset*", "pg_stat_force_next_flush", "pg_import_system_collations",
    "pg_restore_*_stats", "pg_clear_*_stats", "pg_nextoid", "pg_stop_making_pinned_objects", "setseed",
    "pg_extension_config_dump", "binary_upgrade_*", "brin_summarize_*", "brin_desummarize_range",
    "gin_clean_pending_list", "currtid2", "dblink*",
)  # fmt: skip

# They run SQL that is given as text, past the allow-list that has read the rest.
INDIRECT = ("*_to_xml", "*_to_xmlschema", "*_to_xml_and_xmlschema", "ts_stat", "ts_rewrite")

# They make a gigabyte out of a few letters, and nothing bounds the memory of a session.
SWELLING = ("repeat", "lpad", "rpad", "array_fill")

# They tell about the server, its settings and other sessions. Kept by the analyst too, whose tools ask.
TELLING = (
    "current_setting", "pg_show_all_settings", "pg_stat_get_activity", "pg_stat_get_backend_*", "pg_lock_status",
    "pg_prepared_statement", "pg_prepared_xact", "pg_cursor", "pg_listening_channels", "inet_server_*",
    "inet_client_*", "pg_get_functiondef", "pg_get_loaded_modules", "pg_options_to_table", "pg_get_replication_slots",
    "pg_stat_get_wal_senders",
)  # fmt: skip
TELLING_VIEWS = (
    "pg_settings", "pg_roles", "pg_user", "pg_group", "pg_auth_members", "pg_db_role_setting", "pg_stat_activity",
    "pg_stat_ssl", "pg_stat_gssapi", "pg_stat_replication", "pg_replication_slots", "pg_locks", "pg_cursors",
    "pg_prepared_statements", "pg_prepared_xacts", "pg_foreign_server", "pg_user_mappings", "pg_proc",
)  # fmt: skip


def as_like(name: str) -> str:
    """The pattern for SQL's `like`."""
    return name.replace("_", r"\_").replace("*", "%")
