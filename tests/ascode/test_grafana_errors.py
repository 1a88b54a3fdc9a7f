"""How Grafana's client ends when Grafana refuses, is gone, or is something else."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obskit.ascode.grafana import Grafana, GrafanaError
from obskit.errors import SettingsError, UsageError
from obskit.settings import Connection
from tests.standins import faulty
from tests.standins.faulty import FaultyServer
from tests.standins.grafana import GrafanaStandIn

SECRET = "s3cr3t-t0ken"
#: One call of each kind, by name, for rules that hold of all.
CALLS: dict[str, Callable[[Grafana], object]] = {
    "health": lambda g: g.health(),
    "search": lambda g: g.search(),
    "get": lambda g: g.get("a"),
    "versions": lambda g: g.versions("a"),
    "version": lambda g: g.version("a", 1),
    "save": lambda g: g.save({"uid": "a", "title": "A"}, folder_uid="", message="m", version=None),
    "delete": lambda g: g.delete("a"),
    "folders": lambda g: g.folders(),
    "create_folder": lambda g: g.create_folder("f", "F"),
    "folder": lambda g: g.folder("f"),
    "annotate": lambda g: g.annotate(time_ms=1, time_end_ms=None, text="x", tags=()),
}
WRITES = ("save", "delete", "create_folder", "annotate")


@pytest.fixture
def standin() -> Iterator[GrafanaStandIn]:
    """A stand-in that behaves like Grafana 11.2."""
    with GrafanaStandIn() as grafana:
        yield grafana


@pytest.fixture
def grafana(standin: GrafanaStandIn) -> Grafana:
    """The client of the stand-in, as Admin."""
    return Grafana(standin.connection())


def caught(doing: Callable[[], object]) -> GrafanaError:
    """Return the error that a call ends in."""
    with pytest.raises(GrafanaError) as error:
        doing()
    return error.value


def test_without_an_address_there_is_no_client() -> None:
    """The setting is named."""
    with pytest.raises(SettingsError, match="no Grafana is configured") as error:
        Grafana(Connection())

    assert "OBSKIT_GRAFANA_URL" in error.value.hint


@pytest.mark.parametrize("name", CALLS)
def test_an_unreachable_grafana_has_status_0(name: str) -> None:
    """The address, the system's reason, and what was being done are told."""
    with faulty.refuse() as url:
        error = caught(lambda: CALLS[name](Grafana(Connection(url=url))))

    assert error.status == 0
    assert url in error.where["at"]
    assert "refused" in error.where["said"]
    assert "may have been done" not in error.hint
    assert error.where["to"]


@pytest.mark.parametrize("token", ["", "glsa_unknown"])
def test_a_bad_token_is_401(standin: GrafanaStandIn, token: str) -> None:
    """The hint names the variable; the token is not shown."""
    error = caught(lambda: Grafana(standin.connection(token)).search())

    assert error.status == 401
    assert "OBSKIT_GRAFANA_BEARER_TOKEN" in error.hint
    assert "glsa_unknown" not in str(error)


@pytest.mark.parametrize("name", [*WRITES, "versions"])
def test_a_viewers_token_is_403(standin: GrafanaStandIn, name: str) -> None:
    """Grafana's words name the permission, the hint the role; nothing was changed."""
    standin.put({"uid": "a", "title": "A"})
    error = caught(lambda: CALLS[name](Grafana(standin.connection(standin.viewer_token))))

    assert error.status == 403
    assert "Permissions needed" in error.where["said"]
    assert "Editor" in error.hint
    assert (standin.annotations, [m["version"] for m in standin.models.values()]) == ([], [1])


@pytest.mark.parametrize("name", CALLS)
def test_a_server_error_is_asked_again_only_where_nothing_changes(standin: GrafanaStandIn, name: str) -> None:
    """A read gets three tries, a write one."""
    standin.fail_next(5, 500)
    error = caught(lambda: CALLS[name](Grafana(standin.connection())))

    assert error.status == 500
    assert "run it again" in error.hint
    assert len(standin.calls) == (1 if name in WRITES else 3)


@pytest.mark.parametrize("applied", [False, True], ids=["not made", "made"])
def test_a_lost_answer_is_not_asked_for_twice(standin: GrafanaStandIn, grafana: Grafana, applied: bool) -> None:
    """The write may have been made: the error says so, and a second look shows it."""
    standin.die_at_call(1, applied)
    error = caught(lambda: CALLS["save"](grafana))

    assert error.status == 0
    assert "may have been done" in error.hint
    assert len(standin.calls) == 1
    assert (grafana.get("a") is not None) == applied


def test_a_read_survives_a_cut_connection(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """It is simply asked again."""
    standin.put({"uid": "a", "title": "A"})
    standin.die_at_call(1, applied=False)

    assert grafana.get("a") is not None
    assert [call.status for call in standin.calls] == [0, 200]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("page", [b"<!doctype html><title>Sign in</title>", b"", b'{"dashboard":{"uid":'])
def test_what_is_no_json_is_not_grafana(standin: GrafanaStandIn, name: str, page: bytes) -> None:
    """A login page with status 200 is not taken for an answer."""
    standin.page = page or b" "
    error = caught(lambda: CALLS[name](Grafana(standin.connection())))

    assert (error.status, error.what) == (200, "what answers is not Grafana's API")
    assert "OBSKIT_GRAFANA_URL" in error.hint


@pytest.mark.parametrize("name", ["get", "delete", "folder"])
def test_a_404_that_is_not_grafanas_is_an_error(standin: GrafanaStandIn, name: str) -> None:
    """A wrong address must not look like an empty Grafana."""
    standin.fail_next(1, 404, body=b"<html>nginx</html>")
    error = caught(lambda: CALLS[name](Grafana(standin.connection())))

    assert error.status == 404
    assert "OBSKIT_GRAFANA_URL" in error.hint


@pytest.mark.parametrize(("code", "said"), [(302, "sent us elsewhere"), (202, "would not save")])
def test_neither_a_redirect_nor_a_promise_is_a_save(code: int, said: str) -> None:
    """302 leads to a login page; 202 means that somebody else shall save it."""
    with FaultyServer(faulty.status(code, b'{"status":"pending"}')) as server:
        error = caught(lambda: CALLS["save"](Grafana(Connection(url=server.url))))

    assert error.status == code
    assert said in error.what


@pytest.mark.parametrize("name", ["get", "save"])
def test_a_silent_server_is_given_up_at_the_deadline(name: str) -> None:
    """The deadline holds for the whole call."""
    with FaultyServer(faulty.hang) as server:
        error = caught(lambda: CALLS[name](Grafana(Connection(url=server.url), deadline_seconds=0.3)))

    assert (error.status, error.what) == (0, "Grafana did not answer in time")
    assert ("may have been done" in error.hint) == (name == "save")


def test_a_model_that_is_no_json_is_not_sent(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """NaN is no JSON, whatever Python's own decoder takes."""
    with pytest.raises(UsageError, match="is no JSON"):
        grafana.save({"uid": "a", "title": "A", "x": float("nan")}, folder_uid="", message="", version=None)

    assert standin.calls == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["uid", "title", "version", "versions", "dashboard", "meta", "id"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=_JSON)
def test_any_json_is_read_or_reported(standin: GrafanaStandIn, grafana: Grafana, answer: Any) -> None:
    """An answer of another shape is a GrafanaError, never a crash."""
    standin.page = json.dumps(answer).encode() + b" "
    for call in CALLS.values():
        with contextlib.suppress(GrafanaError):
            call(grafana)


@pytest.mark.parametrize("how", ["token", "file", "password", "header"])
def test_a_secret_that_the_server_echoes_is_not_shown(standin: GrafanaStandIn, tmp_path: Path, how: str) -> None:
    """Neither in the error nor in its causes, whether in JSON or in a page."""
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n", encoding="utf-8")
    ways: dict[str, dict[str, Any]] = {
        "token": {"bearer_token": SECRET},
        "file": {"bearer_token_file": file},
        "password": {"username": "me", "password": SECRET},
        "header": {"headers": (("X-Proxy", SECRET),)},
    }
    client = Grafana(Connection(url=standin.url.replace("//", f"//user:{SECRET}@"), **ways[how]))
    echo = {"message": "x" * 290 + f" {SECRET} \x1b[31m\u202eevil"}
    bodies: tuple[object, ...] = (echo, f"<p>{SECRET}</p>".encode())
    for body in bodies:
        standin.fail_next(1, 400, body=body)
        error: BaseException | None = caught(lambda: client.get("a"))
        while error is not None:
            assert SECRET[:6] not in f"{error}{error!r}"
            assert "\x1b" not in str(error)
            error = error.__cause__
