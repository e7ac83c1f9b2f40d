"""Writes domain/expectation_arguments.py from Great Expectations' own classes: after an update of it, run

python -m tests.adapters.expectation_table > alerting_pipeline/domain/expectation_arguments.py
"""

from __future__ import annotations

from typing import Any

# What every expectation has and a definition doesn't say: identity, bookkeeping, and what the runner decides.
HANDLED_BY_US = frozenset(
    {
        "batch_id", "catch_exceptions", "description", "id", "library_metadata", "meta", "notes", "rendered_content",
        "result_format", "severity", "windows",
    }
)  # fmt: skip
# They compare with other tables or run SQL of their own; that is what dbt tests and alert definitions are for.
LEFT_OUT = frozenset({"expect_query_results_to_match_comparison", "expect_table_row_count_to_equal_other_table"})


def table() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Per expectation: the arguments it needs, and all that it takes."""
    import great_expectations.expectations as expectations

    found = {}
    for class_name in sorted(dir(expectations)):
        kind: Any = getattr(expectations, class_name)
        name = getattr(kind, "expectation_type", "") if class_name.startswith("Expect") else ""
        if not name.startswith("expect_") or name in LEFT_OUT:
            continue
        fields = {key: field for key, field in kind.__fields__.items() if key not in HANDLED_BY_US}
        found[name] = (frozenset(key for key, field in fields.items() if field.required), frozenset(fields))
    return found


def module_text() -> str:
    """The module's source."""
    import great_expectations

    lines = [
        f'"""The expectations of Great Expectations {great_expectations.__version__} and what each takes.',
        "",
        "Written by `python -m tests.adapters.expectation_table`; a test holds it against the installed version.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "# name: arguments that it needs | arguments that it takes beside them",
        '_WRITTEN = """',
    ]
    for name, (required, known) in table().items():
        written = f"{name}: {' '.join(sorted(required))} | {' '.join(sorted(known - required))}"
        lines.append(" ".join(written.split()))
    lines += [
        '"""  # noqa: E501  # one expectation a line',
        '_PARTS = [line.replace(":", "|", 1).split("|") for line in _WRITTEN.strip().splitlines()]',
        "REQUIRED = {name: frozenset(needed.split()) for name, needed, _ in _PARTS}",
        "ALL = {name: frozenset(needed.split()) | frozenset(beside.split()) for name, needed, beside in _PARTS}",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(module_text(), end="")
