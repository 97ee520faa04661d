"""Access tokens and the sessions that they open, kept as digests in the node's database."""

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.exc import IntegrityError

from pneumoscope.core import ConfigError
from pneumoscope.service.store import Store, tables

IDLE_S = 3600.0
"""A session ends when it was not used for this long."""
LONGEST_S = 12 * 3600.0
"""A session ends after this long whatever happens: one working day."""

_TOKENS, _SESSIONS = tables.web_tokens, tables.web_sessions
_PREFIX = "pns_"  # lets secret scanners find a token that was committed somewhere


class Role(StrEnum):
    """What a token opens.

    A viewer looks and comments. An admin also uploads, settles dead letters, exports feedback and sees the audit log.
    A machine sends images and reads metrics, and sees no result.
    """

    VIEWER = "viewer"
    ADMIN = "admin"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks; the name is the token's, chosen by the admin, and goes into the audit log."""

    name: str
    role: Role

    @property
    def is_admin(self) -> bool:
        """Whether this is an admin."""
        return self.role is Role.ADMIN

    @property
    def is_person(self) -> bool:
        """Whether this may see results."""
        return self.role is not Role.MACHINE


LOCAL = User(name="local", role=Role.ADMIN)
"""Whoever sits at this machine, where the page listens on loopback only and no sign-in is asked for."""


class Accounts:
    """Tokens and sessions; a token or session itself is never stored, only its SHA-256.

    Tokens are 256 random bits, so that a plain digest is enough: there is nothing to guess.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def first_token(self) -> str | None:
        """Make an admin token where there has never been any token, to be shown once; return None otherwise."""
        with self._store.reading() as connection:
            if connection.scalar(select(func.count()).select_from(_TOKENS)):
                return None
        try:
            return self.add("admin", Role.ADMIN)
        except ConfigError:  # another process of the node was first
            return None

    def add(self, name: str, role: Role) -> str:
        """Make a token of that name and return it: the only time that it can be seen.

        Raises:
            ConfigError: The name is empty, too long, or taken.
        """
        if not (0 < len(name) <= 64 and name.isprintable()):
            raise ConfigError(f"token name: expected 1 to 64 printable characters, found {name!r}")
        token = _PREFIX + secrets.token_urlsafe(32)
        row = {"name": name, "role": role.value, "digest": _digest(token), "created_at": self._store.now()}
        try:
            with self._store.writing() as connection:
                connection.execute(_TOKENS.insert().values(row))
        except IntegrityError:
            raise ConfigError(f"token name: expected one that is not taken, found {name!r}") from None
        return token

    def revoke(self, name: str) -> None:
        """End a token and its sessions; its name stays taken, so that the audit log stays unambiguous.

        Raises:
            ConfigError: There is no such token.
        """
        with self._store.writing() as connection:
            token_id = connection.scalar(select(_TOKENS.c.id).where(_TOKENS.c.name == name))
            if token_id is None:
                raise ConfigError(f"token: expected the name of one, found {name!r}")
            connection.execute(_TOKENS.update().where(_TOKENS.c.id == token_id).values(revoked_at=self._store.now()))
            connection.execute(_SESSIONS.delete().where(_SESSIONS.c.token_id == token_id))

    def by_token(self, token: str) -> User | None:
        """Return whose token this is; None where it is nobody's or revoked."""
        query = select(_TOKENS.c.name, _TOKENS.c.role).where(
            _TOKENS.c.digest == _digest(token), _TOKENS.c.revoked_at.is_(None)
        )
        with self._store.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else User(name=row.name, role=Role(row.role))

    def sign_in(self, token: str) -> str | None:
        """Open a session and return its secret, for the cookie; None where the token is unknown. Delete ended ones."""
        with self._store.writing() as connection:
            token_id = connection.scalar(
                select(_TOKENS.c.id).where(_TOKENS.c.digest == _digest(token), _TOKENS.c.revoked_at.is_(None))
            )
            return None if token_id is None else self._open(connection, token_id)

    def admit(self, key: str, *, name: str, role: Role) -> str | None:
        """Open a session for whom the identity provider vouches; return its secret, None for a revoked person.

        `key` tells persons apart for ever; name and role are what the provider says now. A person has a row like a
        token's, so that `pneumoscope token NAME --revoke` shuts out either; no token opens it.
        """
        marked = f"oidc:{_digest(key)[:59]}"  # never the digest of a token, which has no colon
        with self._store.writing() as connection:
            row = connection.execute(select(_TOKENS.c.id, _TOKENS.c.revoked_at).filter_by(digest=marked)).one_or_none()
            if row is not None and row.revoked_at is not None:
                return None
            values = {"name": f"{name[:48]} #{marked[5:13]}", "role": role.value}
            if row is None:
                new = values | {"digest": marked, "created_at": self._store.now()}
                token_id = connection.scalar(_TOKENS.insert().values(new).returning(_TOKENS.c.id))
            else:
                token_id = row.id
                connection.execute(_TOKENS.update().where(_TOKENS.c.id == token_id).values(values))
            return self._open(connection, token_id)

    def _open(self, connection: Connection, token_id: int) -> str:
        now, session = self._store.now(), secrets.token_urlsafe(32)
        connection.execute(_SESSIONS.delete().where(_ended(now)))
        row = {"digest": _digest(session), "token_id": token_id, "created_at": now, "seen_at": now}
        connection.execute(_SESSIONS.insert().values(row))
        return session

    def by_session(self, session: str) -> User | None:
        """Return whose session this is; None where it is unknown or has ended. Use keeps it alive."""
        now, digest = self._store.now(), _digest(session)
        query = (
            select(_TOKENS.c.name, _TOKENS.c.role, _SESSIONS.c.seen_at)
            .join(_SESSIONS, _SESSIONS.c.token_id == _TOKENS.c.id)
            .where(_SESSIONS.c.digest == digest, ~_ended(now))
        )
        with self._store.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        if now - row.seen_at > IDLE_S / 20:  # a write every few minutes, not with every picture
            with self._store.writing() as connection:
                connection.execute(_SESSIONS.update().where(_SESSIONS.c.digest == digest).values(seen_at=now))
        return User(name=row.name, role=Role(row.role))

    def sign_out(self, session: str) -> None:
        """End the session; no error where there is none."""
        with self._store.writing() as connection:
            connection.execute(_SESSIONS.delete().where(_SESSIONS.c.digest == _digest(session)))


def _ended(now: float) -> ColumnElement[bool]:
    return (_SESSIONS.c.seen_at < now - IDLE_S) | (_SESSIONS.c.created_at < now - LONGEST_S)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
