"""The only Dagster code: the asset graph, its checks, sensors and schedules. Each function calls one use case."""
