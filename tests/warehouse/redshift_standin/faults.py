"""What a test wants to go wrong, and what of it did.

standin.faults.add(Fault("drop", "after", statement="commit"))        # it took effect, and the client never hears of it
standin.faults.add(Fault("drop", "connect", times=2))                 # a workgroup that wakes on the third knock
standin.faults.add(SERIALIZATION_FAILURE.on("copy", skip=1))          # the second COPY fails with error 1023
standin.faults.add(WAKING.on("^begin"))                               # a workgroup that wakes
standin.faults.add(S3Fault("error", method="PUT", key=r"\\.parquet$", times=2))
standin.faults.add(S3Fault("keep", key="/parts/"))                    # DeleteObjects removes all but these
standin.faults.add(ApiFault("GetCredentials", times=2))               # AWS throttles
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from tests.warehouse.redshift_standin.sql_error import SqlError


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with a connection.

    kind: `drop` cuts the connection, `error` answers with an error instead of running the statement, `delay` waits.
    when: `connect`, as the client connects; `before` the statement runs; `during` it: a COPY after half of its rows,
    anything else when it is sent and not answered; `after` it took effect and before the client hears of it.
    statement: a regular expression that is searched for in the statement as the client sent it, in any case of letters.
    The first `skip` matches pass, the next `times` are hit.
    """

    kind: Literal["drop", "error", "delay"]
    when: Literal["connect", "before", "during", "after"] = "before"
    statement: str = ""
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    error: SqlError | None = None

    def __post_init__(self) -> None:
        if self.kind == "error" and (self.error is None or self.when not in {"connect", "before"}):
            raise ValueError("an error fault needs `error`, and comes `before` the statement or at `connect`")
        if self.kind == "delay" and self.when == "during":
            raise ValueError("a delay comes at `connect`, `before` or `after`")

    def on(self, statement: str, *, times: int = 1, skip: int = 0) -> Fault:
        """The same fault for other statements."""
        return replace(self, statement=statement, times=times, skip=skip)

    def matches(self, when: str, statement: str) -> bool:
        return self.when == when and re.search(self.statement, statement, re.IGNORECASE) is not None


@dataclass(frozen=True)
class S3Fault:
    """Something that goes wrong with a request to `faulty_s3_endpoint`.

    kind: `error` answers with `status` and `code`; `reset` cuts the connection; `stall` does so after `seconds`; `keep`
    lets DeleteObjects answer with 200 and an error for each matching key, which stays (API: DeleteObjects).
    when: `before` moto sees the request (its body is read first), or `after` it took effect there.
    method and key select requests; key is a regular expression searched for in `bucket/key`.
    """

    kind: Literal["error", "reset", "stall", "keep"]
    when: Literal["before", "after"] = "before"
    method: str = ""
    key: str = ""
    times: int = 1
    skip: int = 0
    status: int = 503
    code: str = "SlowDown"
    seconds: float = 0.0

    def matches(self, method: str, key: str) -> bool:
        return self.method in {"", method} and re.search(self.key, key) is not None


@dataclass(frozen=True)
class ApiFault:
    """A call of the AWS API that fails, with the error code and the HTTP status of the answer."""

    action: str = ""
    code: str = "ThrottlingException"
    status: int = 400
    times: int = 1
    skip: int = 0


AnyFault = TypeVar("AnyFault", Fault, S3Fault, ApiFault)

# The words of the public reports of these errors; SQLSTATE XX000 as clients show it.
SERIALIZATION_FAILURE = Fault(
    "error",
    error=SqlError(
        "1023",
        "XX000",
        "Serializable isolation violation on table - 100167, transactions forming the cycle are: 2310, 2311 (pid:1073)",
    ),
)
# dbt-labs/dbt-adapters #626, aws/amazon-redshift-jdbc-driver #147; the SQLSTATE is unconfirmed
CONFLICT = Fault("error", error=SqlError("could not complete because of conflict with concurrent transaction", "XX000"))
# aws/amazon-redshift-python-driver #150: the first statement after a workgroup of Serverless has slept
WAKING = Fault("error", error=SqlError("Query cancelled.", "57014"))
RELATION_GONE = Fault("error", error=SqlError("could not open relation with OID 100167", "XX000"))


class Faults:
    """The faults that wait, and `fired`, those that happened, in order; used from several threads."""

    def __init__(self) -> None:
        self.fired: list[Fault | S3Fault | ApiFault] = []
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault | S3Fault | ApiFault) -> None:
        with self._lock:
            self._waiting += [_Waiting(fault, fault.skip, fault.times) for fault in faults]

    @property
    def waiting(self) -> list[Fault | S3Fault | ApiFault]:
        """Faults that have not hit as often as they should."""
        with self._lock:
            return [waiting.fault for waiting in self._waiting]

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self.fired.clear()

    def take(self, when: str, statement: str = "") -> Fault | None:
        """The fault that hits here, if any; it is used up."""
        with self._lock:
            return self._take(
                [w for w in self._waiting if isinstance(w.fault, Fault) and w.fault.matches(when, statement)], Fault
            )

    def take_s3(self, when: str, method: str, key: str, *, keeps: bool = False) -> S3Fault | None:
        """The fault that hits this request, or this key of a DeleteObjects, if any; it is used up."""
        with self._lock:
            matching = [
                w
                for w in self._waiting
                if isinstance(w.fault, S3Fault)
                and (w.fault.kind == "keep") == keeps
                and w.fault.when == when
                and w.fault.matches(method, key)
            ]
            return self._take(matching, S3Fault)

    def take_api(self, action: str) -> ApiFault | None:
        """The fault that hits this call of the AWS API, if any; it is used up."""
        with self._lock:
            matching = [w for w in self._waiting if isinstance(w.fault, ApiFault) and w.fault.action in {"", action}]
            return self._take(matching, ApiFault)

    def _take(self, matching: list[_Waiting], kind: type[AnyFault]) -> AnyFault | None:
        for waiting in matching:
            if waiting.skip:
                waiting.skip -= 1
                continue
            waiting.times -= 1
            if waiting.times == 0:
                self._waiting.remove(waiting)
            self.fired.append(waiting.fault)
            return waiting.fault if isinstance(waiting.fault, kind) else None
        return None


@dataclass(eq=False)
class _Waiting:
    fault: Fault | S3Fault | ApiFault
    skip: int
    times: int
