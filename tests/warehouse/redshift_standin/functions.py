"""The functions of Redshift that the stand-in has. Any other name is refused, also one that PostgreSQL would take.

A function of the same name in PostgreSQL that means the same is used as it is; the rest is made by `catalogue.sql`,
under the same name or, where PostgreSQL's stands in the way, under the name that `RENAMED` gives.
"""

from __future__ import annotations

# Pages: c_SQL_functions and its chapters.
AGGREGATE = {
    *("any_value", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "count", "listagg", "max", "median", "min"),
    *("percentile_cont", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance"),
}
WINDOW = {
    *("cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank"),
    *("rank", "row_number"),
}
CONDITIONAL = {"coalesce", "greatest", "least", "nullif", "nvl", "nvl2"}
DATE = {
    *(
        "add_months",
        "convert_timezone",
        "date",
        "date_add",
        "date_diff",
        "date_part",
        "date_trunc",
        "dateadd",
        "datediff",
    ),
    *("getdate", "last_day", "to_char", "to_date", "to_timestamp", "trunc"),
}
MATH = {
    *(
        "abs",
        "acos",
        "asin",
        "atan",
        "atan2",
        "cbrt",
        "ceil",
        "ceiling",
        "cos",
        "cot",
        "degrees",
        "dexp",
        "dlog10",
        "exp",
    ),
    *(
        "floor",
        "ln",
        "log",
        "mod",
        "pi",
        "pow",
        "power",
        "radians",
        "random",
        "round",
        "sign",
        "sin",
        "sqrt",
        "tan",
        "to_number",
    ),
}
STRING = {
    *("ascii", "btrim", "char_length", "character_length", "charindex", "chr", "concat", "initcap", "left", "len"),
    *("length", "lower", "lpad", "ltrim", "md5", "octet_length", "quote_ident", "quote_literal", "regexp_count"),
    *(
        "regexp_instr",
        "regexp_replace",
        "regexp_substr",
        "repeat",
        "replace",
        "reverse",
        "right",
        "rpad",
        "rtrim",
        "sha2",
    ),
    *("split_part", "strpos", "translate", "upper"),
}
JSON = {"json_extract_path_text", "json_parse", "json_serialize", "is_valid_json"}
# PG_TERMINATE_BACKEND and PG_CANCEL_BACKEND: "you can terminate a session owned by your user"
SYSTEM = {"current_database", "pg_backend_pid", "pg_cancel_backend", "pg_last_copy_count", "pg_terminate_backend"}

# c_SQL_functions_leader_node_only, and the functions of PostgreSQL that Redshift keeps for its catalogue
LEADER_ONLY = {
    *(
        "age",
        "array_to_string",
        "col_description",
        "current_schema",
        "current_schemas",
        "current_setting",
        "format_type",
    ),
    *(
        "generate_series",
        "has_database_privilege",
        "has_schema_privilege",
        "has_table_privilege",
        "now",
        "obj_description",
    ),
    *("pg_get_constraintdef", "pg_get_expr", "pg_get_indexdef", "pg_get_late_binding_view_cols", "pg_get_userbyid"),
    *("substr", "pg_get_viewdef", "pg_table_is_visible", "pg_encoding_to_char", "version", "isfinite", "to_ascii"),
}
# functions that may stand in FROM
OF_ROWS = {"generate_series", "pg_get_late_binding_view_cols"}
# c_SQL_functions_compute_node_only: they "must be applied on at least one user created tables"
USER_TABLE_ONLY = {"listagg", "median", "percentile_cont"}

KNOWN = AGGREGATE | WINDOW | CONDITIONAL | DATE | MATH | STRING | JSON | SYSTEM | LEADER_ONLY

# Where PostgreSQL's function of this name does something else.
RENAMED = {
    "nvl": "coalesce",
    "avg": "redshift_avg",
    "concat": "redshift_concat",
    "regexp_substr": "redshift_regexp_substr",
}
TAKES_DATE_PART = {"date_add", "date_diff", "dateadd", "datediff", "date_part"}
# r_Dateparts_for_datetime_functions
DATE_PARTS = {
    name: part
    for part, names in {
        "year": "year years y yr yrs",
        "quarter": "quarter quarters qtr qtrs",
        "month": "month months mon mons",
        "week": "week weeks w",
        "day": "day days d",
        "dow": "dayofweek dow dw weekday",
        "doy": "dayofyear doy dy yearday",
        "hour": "hour hours h hr hrs",
        "minute": "minute minutes m min mins",
        "second": "second seconds s sec secs",
        "millisecond": "millisecond milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon",
        "microsecond": "microsecond microseconds microsec microsecs microsecond usecond useconds us usec usecs",
        "epoch": "epoch",
    }.items()
    for name in names.split()
}
