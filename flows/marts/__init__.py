"""Running dbt, and reading what it did."""
