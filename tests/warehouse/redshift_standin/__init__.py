"""A stand-in for Amazon Redshift: PostgreSQL behind a proxy that takes Redshift's SQL and enforces Redshift's rules.

    with start_standin() as standin:
        connection = standin.connect()                 # redshift_connector, without TLS
        standin.faults.add(Fault("drop", "after", statement="^commit"))

In tests: `pytest_plugins = ["tests.warehouse.redshift_standin.fixtures"]` and the fixture `standin`, which is as new.
In a shell: `python -m tests.warehouse.redshift_standin` prints what to export and waits.

A client takes three steps here as it does to Redshift: IAM or a password, TLS, the wire protocol. redshift_connector
trusts Amazon's authorities and those of OpenSSL's default file: SSL_CERT_FILE must name `standin.ca_file`, with
`sslmode="verify-ca"` or `"verify-full"`, for localhost and 127.0.0.1. Python deprecates how the driver makes its TLS
context: where warnings are errors, ignore "ssl.SSLContext() without protocol" and "ssl.PROTOCOL_TLS is deprecated".

Every statement is parsed, checked and written anew for PostgreSQL; what the stand-in does not know is refused with a
message that begins with "Redshift stand-in", and nothing passes as it came. COPY reads moto's S3 within the client's
own transaction. Error texts that are not known to be Redshift's are marked "unconfirmed" where they stand.

What it cannot show:
- speed, and all that serves it: distribution, sort keys, encodings, WLM, result cache, data API, waking up, billing.
- serialisation conflicts as a database set to SERIALIZABLE finds them, by table. Here a transaction reads one snapshot,
  and only two writers of the same row make error 1023, as with SNAPSHOT, unless a fault is asked for.
- blanks at the end of a VARCHAR, which Redshift leaves out of comparisons: here 'a' and 'a ' differ.
- precision and scale of computed DECIMALs (r_numeric_computations201): PostgreSQL keeps more digits.
- rules of the leader node beyond functions that are named in `functions`; correlated subqueries that Redshift refuses.
- what late-binding views read before it is there: the stand-in must find it to know the columns.
- that MERGE's source is no view; that a role may not read a bucket; KMS, VPC, regions, presigned URLs, bucket policies.
- names of more than 63 bytes in the catalogue: it shows them shortened, with a hash at the end.
- COPY of Parquet beyond BIGINT, BOOLEAN and VARCHAR in its plainest form (`copy_dialect`), whose fate is not known;
  interleaved sort keys, UNLOAD, procedures, functions, materialized views, external schemas, EXPLAIN, APPEND,
  SUPER's navigation and the reflection of SQLAlchemy (`inspect`, `pandas.read_sql`): refused, not wrong.
"""

from __future__ import annotations

from tests.warehouse.redshift_standin.faults import (
    CONFLICT,
    RELATION_GONE,
    SERIALIZATION_FAILURE,
    WAKING,
    ApiFault,
    Fault,
    S3Fault,
)
from tests.warehouse.redshift_standin.standin import RedshiftStandin, start_standin

__all__ = [
    "CONFLICT",
    "RELATION_GONE",
    "SERIALIZATION_FAILURE",
    "WAKING",
    "ApiFault",
    "Fault",
    "RedshiftStandin",
    "S3Fault",
    "start_standin",
]
