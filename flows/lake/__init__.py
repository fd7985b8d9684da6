"""CSV → Parquet: contracts, structural gate, conversion, quarantine. Knows nothing of Prefect or of a warehouse."""
