"""The role's password is changed in the database, and the application goes on with the old one."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.errors import SourceError
from obskit.lab.database import USER, Login, end_sessions, sessions
from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongPassword(Fault):
    """A rotation that nobody told the application of."""

    def start(self, lab: Lab, strength: float) -> str:
        """Change the password; connections that are open live on, unless they are ended."""
        _change(lab.database, Login(port=0).password, end=strength >= 1)
        return ""

    def stop(self, lab: Lab) -> None:
        """Change it back."""
        _change(lab.database, lab.database.password, end=False)


def _change(login: Login, password: str, *, end: bool) -> None:
    import psycopg
    from psycopg import sql

    try:
        with login.connect() as connection:
            role, secret = sql.Identifier(USER), sql.Literal(password)
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, secret))
        if end:
            end_sessions(login, sessions(login))
    except psycopg.Error as error:
        raise SourceError("the password was not changed", where={"said": str(error)}) from error


FAULT = WrongPassword(
    id="wrong_password",
    title="the database's password was rotated without the application",
    truth=Truth(cause="db_credentials_refused"),
    strengths=(0.5, 1.0),
    unit="0.5: connections that are open live on; 1: they are ended",
    # Pools that keep one connection each: the others are opened anew when they are needed.
    settings={"shop_environment": (("POOL_SIZE", "1"), ("POOL_OVERFLOW", "7"))},
)
