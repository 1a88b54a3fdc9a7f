"""Why a connection failed, as a person says it."""

from __future__ import annotations

import socket
import ssl
from http.client import RemoteDisconnected

import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.exceptions import IncompleteRead, MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError

from obskit.sources.http_words import reason_of

CONNECTION = HTTPConnection("prometheus.internal", 9090)


def caused(error: Exception, by: BaseException) -> Exception:
    """Return an error as ``raise error from by`` leaves it."""
    error.__cause__ = by
    return error


def unreached(by: OSError) -> requests.exceptions.ConnectionError:
    """Return what requests raises where no connection came about."""
    new = caused(NewConnectionError(CONNECTION, f"Failed to establish a new connection: {by}"), by)
    return requests.exceptions.ConnectionError(MaxRetryError(None, "/api", new))  # type: ignore[arg-type]


def unresolved() -> requests.exceptions.ConnectionError:
    """Return what requests raises where a name server knows no such host."""
    by = socket.gaierror(-2, "Name or service not known")
    new = caused(NameResolutionError("prometheus.internal", CONNECTION, by), by)
    return requests.exceptions.ConnectionError(MaxRetryError(None, "/api", new))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (unreached(ConnectionRefusedError(111, "Connection refused")), "connection refused"),
        (unreached(OSError(113, "No route to host")), "no route to host"),
        (unresolved(), "its name cannot be resolved: name or service not known"),
        (
            requests.exceptions.ConnectionError(
                ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))
            ),
            "connection reset by peer",
        ),
        (
            requests.exceptions.ConnectionError(
                ProtocolError("Connection aborted.", RemoteDisconnected("Remote end closed connection"))
            ),
            "Remote end closed connection",
        ),
        (ProtocolError("Connection broken", IncompleteRead(45, 455)), "its answer broke off"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "[ssl: wrong version number] wrong"),
        (requests.exceptions.InvalidURL("no host in http://me:5ec2e7@/x\x1b"), "no host in http:///x "),
        (requests.exceptions.ConnectionError(), "ConnectionError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_innermost_reason_is_told(error: BaseException, words: str) -> None:
    """Not which library wrapped it in which class, and no secret of an address."""
    assert reason_of(error).startswith(words)


def test_reasons_that_lead_in_a_circle_end() -> None:
    """An exception may be its own cause's cause."""
    first, second = OSError("a"), OSError("b")
    first.__cause__, second.__cause__ = second, first

    assert reason_of(first) in ("a", "b")
