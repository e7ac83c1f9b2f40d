"""The expectations of Great Expectations 1.24.1 and what each takes.

Written by `python -m tests.adapters.expectation_table`; a test holds it against the installed version.
"""

from __future__ import annotations

# name: arguments that it needs | arguments that it takes beside them, each with the kinds of its values
_WRITTEN = """
expect_column_distinct_values_to_be_in_set: column=text value_set=list | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark row_condition=text
expect_column_distinct_values_to_contain_set: column=text value_set=list | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark row_condition=text
expect_column_distinct_values_to_equal_set: column=text value_set=list | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark row_condition=text
expect_column_kl_divergence_to_be_less_than: column=text | bucketize_data=truth condition_parser=great_expectations/great_expectations__experimental__/pandas/spark internal_weight_holdout=share max_value=number,time min_value=number,time partition_object=map row_condition=text tail_weight_holdout=share threshold=number
expect_column_max_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=number,time min_value=number,time row_condition=text strict_max=truth strict_min=truth
expect_column_mean_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=number,time min_value=number,time row_condition=text strict_max=truth strict_min=truth
expect_column_median_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=number,time min_value=number,time row_condition=text strict_max=truth strict_min=truth
expect_column_min_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=number,time min_value=number,time row_condition=text strict_max=truth strict_min=truth
expect_column_most_common_value_to_be_in_set: column=text value_set=list | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark row_condition=text ties_okay=truth
expect_column_pair_values_a_to_be_greater_than_b: column_A=text column_B=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark ignore_row_if=both_values_are_missing/either_value_is_missing/neither mostly=share or_equal=truth row_condition=text
expect_column_pair_values_to_be_equal: column_A=text column_B=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark ignore_row_if=both_values_are_missing/either_value_is_missing/neither mostly=share row_condition=text
expect_column_pair_values_to_be_in_set: column_A=text column_B=text value_pairs_set=pairs | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark ignore_row_if=both_values_are_missing/either_value_is_missing/neither mostly=share row_condition=text
expect_column_proportion_of_non_null_values_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=number min_value=number row_condition=text strict_max=truth strict_min=truth
expect_column_proportion_of_unique_values_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=number min_value=number row_condition=text strict_max=truth strict_min=truth
expect_column_quantile_values_to_be_between: column=text quantile_ranges=map | allow_relative_error=truth,text condition_parser=great_expectations/great_expectations__experimental__/pandas/spark row_condition=text
expect_column_stdev_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=number min_value=number row_condition=text strict_max=truth strict_min=truth
expect_column_sum_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=number,time min_value=number,time row_condition=text strict_max=truth strict_min=truth
expect_column_to_exist: column=text | column_index=whole
expect_column_type_to_be: column=text type_=text |
expect_column_unique_value_count_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=whole min_value=whole row_condition=text strict_max=truth strict_min=truth
expect_column_value_lengths_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=whole min_value=whole mostly=share row_condition=text strict_max=truth strict_min=truth
expect_column_value_lengths_to_equal: column=text value=number | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_value_z_scores_to_be_less_than: column=text double_sided=truth threshold=number | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_be_between: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=number,time min_value=number,time mostly=share row_condition=text strict_max=truth strict_min=truth
expect_column_values_to_be_dateutil_parseable: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_be_decreasing: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text strictly=truth
expect_column_values_to_be_in_set: column=text value_set=list | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_be_in_type_list: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text type_list=texts
expect_column_values_to_be_increasing: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text strictly=truth
expect_column_values_to_be_json_parseable: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_be_null: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_be_of_type: column=text type_=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_be_unique: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_match_json_schema: column=text json_schema=map | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_match_like_pattern: column=text like_pattern=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark escape=sign mostly=share row_condition=text
expect_column_values_to_match_like_pattern_list: column=text like_pattern_list=texts | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark escape=sign match_on=any/all mostly=share row_condition=text
expect_column_values_to_match_regex: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share regex=text row_condition=text
expect_column_values_to_match_regex_list: column=text regex_list=texts | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark match_on=any/all mostly=share row_condition=text
expect_column_values_to_match_strftime_format: column=text strftime_format=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_not_be_in_set: column=text value_set=list | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_not_be_null: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_not_be_outliers: column=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark method=iqr/std mostly=share multiplier=positive row_condition=text
expect_column_values_to_not_match_like_pattern: column=text like_pattern=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark escape=sign mostly=share row_condition=text
expect_column_values_to_not_match_like_pattern_list: column=text like_pattern_list=texts | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark escape=sign mostly=share row_condition=text
expect_column_values_to_not_match_regex: column=text regex=text | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_column_values_to_not_match_regex_list: column=text regex_list=texts | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark mostly=share row_condition=text
expect_compound_columns_to_be_unique: column_list=columns | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark ignore_row_if=all_values_are_missing/any_value_is_missing/never mostly=share row_condition=text
expect_multicolumn_sum_to_equal: column_list=columns sum_total=number | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark ignore_row_if=all_values_are_missing/any_value_is_missing/never mostly=share row_condition=text
expect_multicolumn_values_to_be_equal: column_list=columns | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark ignore_row_if=all_values_are_missing/any_value_is_missing/never mostly=share row_condition=text
expect_select_column_values_to_be_unique_within_record: column_list=columns | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark ignore_row_if=text mostly=share row_condition=text
expect_table_column_count_to_be_between: | max_value=number,time min_value=number,time
expect_table_column_count_to_equal: value=whole |
expect_table_columns_to_match_ordered_list: | column_list=list
expect_table_columns_to_match_set: | column_set=list exact_match=truth
expect_table_row_count_to_be_between: | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark max_value=count min_value=count row_condition=text strict_max=truth strict_min=truth
expect_table_row_count_to_equal: value=whole | condition_parser=great_expectations/great_expectations__experimental__/pandas/spark row_condition=text
"""  # noqa: E501  # one expectation a line


def _read(side: str) -> dict[str, str]:
    return {key: kinds for key, _, kinds in (each.partition("=") for each in side.split())}


_PARTS = [line.replace(":", "|", 1).split("|") for line in _WRITTEN.strip().splitlines()]
REQUIRED = {name: _read(needed) for name, needed, _ in _PARTS}
ALL = {name: _read(needed) | _read(beside) for name, needed, beside in _PARTS}
