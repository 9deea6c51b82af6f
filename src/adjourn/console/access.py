"""Who may use the console, and for what: keys, roles, sessions, and tokens against forged forms.

A session is a signed cookie that names the user and nothing else; there is no table of sessions.
A user who is no longer in the configuration has none.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from adjourn.ports import Clock

SESSION_S: Final = 8 * 60 * 60
"""A working day, after which a person signs in again."""
_COOKIE: Final = "adjourn-console"


class Role(StrEnum):
    """What a user may do; each may also do what those before it may."""

    READ_ONLY = "read-only"
    REVIEWER = "reviewer"
    OPERATOR = "operator"


_RANK: Final = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class User:
    """A person who may use the console."""

    id: str
    role: Role
    sha256: str
    """Hash of the key the person signs in with."""
    ends_ms: int | None = None
    """From when on they may not any more, milliseconds since the Unix epoch."""

    def may(self, role: Role) -> bool:
        """Tell whether the user has this role or a higher one."""
        return _RANK[self.role] >= _RANK[role]


class Access:
    """Signs users in, and knows them again."""

    def __init__(self, users: Sequence[User], secret: bytes, clock: Clock, *, secure: bool) -> None:
        self._clock = clock
        self._users = {user.id: user for user in users}
        self._signer = URLSafeTimedSerializer(secret, salt="adjourn-console-session")
        self._forms = URLSafeTimedSerializer(secret, salt="adjourn-console-form")
        self._secure = secure

    @property
    def is_set_up(self) -> bool:
        """Whether there is anybody who could sign in."""
        return bool(self._users)

    def user_with(self, key: str) -> User | None:
        """Return whose key this is; every hash is compared, in constant time."""
        given = hashlib.sha256(key.strip().encode("utf-8", "surrogatepass")).hexdigest()
        found = [u for u in self._users.values() if hmac.compare_digest(u.sha256, given)]
        return self._current(found[0]) if found else None

    def user_of(self, request: Request) -> User | None:
        """Return who is signed in."""
        try:
            name = self._signer.loads(request.cookies.get(_COOKIE, ""), max_age=SESSION_S)
        except BadSignature:
            return None
        user = self._users.get(name) if isinstance(name, str) else None
        return self._current(user) if user else None

    def _current(self, user: User) -> User | None:
        over = user.ends_ms is not None and self._clock.now_ms() >= user.ends_ms
        return None if over else user

    def sign_in(self, response: Response, user: User) -> None:
        """Give a response the cookie that knows the user again."""
        response.set_cookie(
            _COOKIE,
            str(self._signer.dumps(user.id)),
            max_age=SESSION_S,
            path="/console",
            httponly=True,
            samesite="strict",
            secure=self._secure,
        )

    def sign_out(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(_COOKIE, path="/console")

    def form_token(self, user: User) -> str:
        """Return what a form must send back, so that no other site can send it."""
        return str(self._forms.dumps(user.id))

    def is_own_form(self, user: User, token: str) -> bool:
        """Tell whether a form came from a page this user was given."""
        try:
            return bool(self._forms.loads(token, max_age=SESSION_S) == user.id)
        except BadSignature:
            return False
