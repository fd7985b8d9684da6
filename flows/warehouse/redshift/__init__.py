"""The warehouse in Amazon Redshift; the twin of `flows.warehouse.duckdb`."""
