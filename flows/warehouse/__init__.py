"""The warehouses, the same few functions twice, and the load ledger. Knows nothing of Prefect or of the settings."""
