"""How one change ends: it is never made twice, and what may have been made is said."""

from __future__ import annotations

import time

import pytest

from obskit.errors import UsageError
from obskit.settings import Connection
from obskit.sources.http import NoAnswerError, Write, send, session_for
from tests.standins import faulty
from tests.standins.faulty import FaultyServer, Mode
from tests.standins.grafana import GrafanaStandIn

#: How long a request may take; far below `faulty.PATIENCE_SECONDS`, when a slow server is done.
PATIENCE_SECONDS = 0.5


def change(url: str, method: Write = "POST", *, body: object = None, seconds: float = 10.0) -> tuple[int, bytes]:
    """Send one change over a fresh session and close it."""
    with session_for(Connection(url=url)) as session:
        until = time.monotonic() + seconds
        return send(session, method, f"{url}/thing", name="Grafana", deadline=until, timeout=seconds, body=body)


def test_a_change_goes_as_json() -> None:
    """Any text arrives, half a surrogate pair too, and says what it is."""
    with FaultyServer(faulty.ok(b"done")) as server:
        assert change(server.url, body={"text": "ü\u2028\ud800"}) == (200, b"done")

    assert server.seen[0].body == b'{"text": "\\u00fc\\u2028\\ud800"}'
    assert server.seen[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_change_has_the_method_that_was_named(method: Write) -> None:
    """And no body where there is none to send."""
    with GrafanaStandIn() as server:
        assert change(server.url, method)[0] == 401
        assert [(call.method, call.body) for call in server.calls] == [(method, None)]


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_change_is_not_sent_again_whatever_the_status(code: int) -> None:
    """It may have been made before the server stumbled."""
    with FaultyServer(faulty.status(code, b"busy")) as server:
        assert change(server.url) == (code, b"busy")
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "mode", [faulty.reset, faulty.truncated, faulty.garbage, faulty.hang], ids=lambda m: m.__name__
)
def test_a_change_whose_answer_is_lost_is_not_sent_again(mode: Mode) -> None:
    """The error says that it went out."""
    with FaultyServer(mode) as server, pytest.raises(NoAnswerError) as caught:
        change(server.url, body={}, seconds=PATIENCE_SECONDS)

    assert len(server.seen) == 1
    assert not caught.value.unsent


def test_a_change_is_tried_again_when_nobody_listened() -> None:
    """A refused connection has carried nothing: the three tries and their pauses are seen in the time they take."""
    started = time.monotonic()
    with faulty.refuse() as url, pytest.raises(NoAnswerError, match="could not be reached") as caught:
        change(url)

    assert time.monotonic() - started > 0.5 * (0.2 + 0.4)
    assert caught.value.unsent


def test_a_change_that_is_no_json_is_not_sent() -> None:
    """NaN, or an object that JSON does not know."""
    for body in ({"x": float("nan")}, {"x": object()}):
        with FaultyServer() as server, pytest.raises(UsageError, match="is no JSON"):
            change(server.url, body=body)

        assert server.seen == []
