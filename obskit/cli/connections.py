"""Where ``--prometheus URL`` leads."""

from __future__ import annotations

from pathlib import Path

from obskit.settings import Connection
from obskit.settings_values import Given, checked


def prometheus_at(connection: Connection, url: str) -> Connection:
    """Return the configured connection to another address.

    Who we are is kept only where the address is the configured one: a token is for nobody else.

    Raises:
        SettingsError: The address is none, or holds a user or password.
    """
    url = checked(Given("prometheus.url", url, "--prometheus", Path.cwd()))
    return connection if url == connection.url else Connection(url=url)
