"""Who may log in: the administrator with a password, and IAM identities with temporary ones."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass

ADMIN, ADMIN_PASSWORD = "awsuser", "Not-a-secret-1"
IAM_USER = "IAMR:retail-pipeline"


@dataclass(frozen=True)
class Temporary:
    """A password that IAM gave out; `expires_at` in seconds of the epoch."""

    password: str
    role: str
    expires_at: float


class Accounts:
    """Passwords by user name; filled by the AWS endpoint and read by the sessions, each in a thread of its own."""

    def __init__(self) -> None:
        self._temporary: dict[str, Temporary] = {}
        self._lock = threading.Lock()

    def issue(self, user: str, role: str, seconds: int) -> Temporary:
        """A fresh temporary password for `user`, who acts as the PostgreSQL role `role`."""
        account = Temporary(secrets.token_urlsafe(24), role, time.time() + seconds)
        with self._lock:
            self._temporary[user] = account
        return account

    def register(self, user: str, password: str) -> None:
        """A user of the database itself, with a password that stays."""
        with self._lock:
            self._temporary[user] = Temporary(password, user, float("inf"))

    def forget(self) -> None:
        """The database's own users are gone, but for the administrator; what IAM gave out holds on."""
        with self._lock:
            self._temporary = {user: one for user, one in self._temporary.items() if one.expires_at < float("inf")}

    def password_of(self, user: str) -> str | None:
        """The password that is valid now, if there is one."""
        if user == ADMIN:
            return ADMIN_PASSWORD
        with self._lock:
            account = self._temporary.get(user)
        return account.password if account and time.time() < account.expires_at else None

    def role_of(self, user: str) -> str:
        with self._lock:
            account = self._temporary.get(user)
        return account.role if account else user
