"""Where ``--prometheus URL`` leads."""

from __future__ import annotations

from obskit.asking import connection_at
from obskit.settings import Connection


def prometheus_at(connection: Connection, url: str) -> Connection:
    """Return the configured connection to another address.

    Who we are is kept only where the address is the configured one: a token is for nobody else.

    Raises:
        SettingsError: The address is none, or holds a user or password.
    """
    return connection_at(connection, url, key="prometheus.url", said_by="--prometheus")
