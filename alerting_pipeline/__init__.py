"""Business alerting and automation on a warehouse: from dbt model to incident to person, as one lineage."""
