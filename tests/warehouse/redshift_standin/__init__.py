"""A stand-in for Amazon Redshift."""

from __future__ import annotations

from tests.warehouse.redshift_standin.faults import RELATION_GONE, SERIALIZATION_FAILURE, Fault, S3Fault
from tests.warehouse.redshift_standin.standin import RedshiftStandin, start_standin

__all__ = ["RELATION_GONE", "SERIALIZATION_FAILURE", "Fault", "RedshiftStandin", "S3Fault", "start_standin"]
