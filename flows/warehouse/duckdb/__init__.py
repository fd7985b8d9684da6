"""The embedded warehouse; the twin of `flows.warehouse.redshift`."""
