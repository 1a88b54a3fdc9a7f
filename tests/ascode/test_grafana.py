"""Grafana's client, against the stand-in as an old and as a new release, or against a real server.

With ``OBSKIT_TEST_GRAFANA_URL`` and ``OBSKIT_TEST_GRAFANA_TOKEN`` (of a service account with the role
Admin) set, tests that need no fault run there; they make one folder of their own and delete it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from obskit.ascode.grafana import ConflictError, Folder, Grafana, GrafanaError
from obskit.errors import UsageError
from obskit.settings import Connection
from tests.standins import faulty
from tests.standins.faulty import FaultyServer
from tests.standins.grafana import GrafanaStandIn

REAL = os.environ.get("OBSKIT_TEST_GRAFANA_URL", "")
TOKEN = os.environ.get("OBSKIT_TEST_GRAFANA_TOKEN", "")
OLD, NEW = "11.2.0", "12.1.0"
SECRET = "s3cr3t-t0ken"


@dataclass
class Place:
    """A Grafana to test against, and names in it that nobody else uses."""

    grafana: Grafana
    mark: str = field(default_factory=lambda: f"obskit-test-{uuid.uuid4().hex[:10]}")

    def model(self, name: str = "a", **more: Any) -> dict[str, Any]:
        """Return a small dashboard of this test."""
        return {"uid": f"{self.mark}-{name}", "title": f"{self.mark} {name}", "tags": [self.mark], "panels": [], **more}

    def save(self, model: dict[str, Any], version: int | None = None, message: str = "first", **more: Any) -> int:
        """Save a dashboard into this test's folder."""
        folder = self.grafana.create_folder(self.mark, self.mark)
        return self.grafana.save(model, folder_uid=folder.uid, message=message, version=version, **more)


@pytest.fixture
def standin() -> Iterator[GrafanaStandIn]:
    """A stand-in that behaves like Grafana 11.2."""
    with GrafanaStandIn(OLD) as grafana:
        yield grafana


@pytest.fixture
def grafana(standin: GrafanaStandIn) -> Grafana:
    """The client of the stand-in, as Admin."""
    return Grafana(standin.connection())


@pytest.fixture(params=["real"] if REAL else [OLD, NEW])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A real Grafana where one is given, else the stand-in as either release."""
    if REAL:
        here = Place(Grafana(Connection(url=REAL, bearer_token=TOKEN)))
        yield here
        # The client deletes no folder: only a test has one to throw away.
        headers = {"Authorization": f"Bearer {TOKEN}"}
        requests.delete(f"{REAL.rstrip('/')}/api/folders/{here.mark}", headers=headers, timeout=30)
        return
    with GrafanaStandIn(request.param) as server:
        yield Place(Grafana(server.connection()))


def caught(doing: Callable[[], object]) -> GrafanaError:
    """Return the error that a call ends in."""
    with pytest.raises(GrafanaError) as error:
        doing()
    return error.value


# what holds of every Grafana


def test_health_needs_no_token(place: Place) -> None:
    """The release and whether the database answers are told to anybody."""
    health = Grafana(Connection(url=place.grafana.url)).health()

    assert health["version"]
    assert health["database"] == "ok"


def test_a_dashboard_comes_back_as_it_was_saved(place: Place) -> None:
    """Nothing but id and version is added, and the folder is known."""
    model = place.model(panels=[{"id": 7, "type": "text", "title": "ü", "options": {"content": "x"}}])

    version = place.save({**model, "id": 12345, "version": 77})
    stored = place.grafana.get(model["uid"])

    assert stored is not None
    assert {key: value for key, value in stored.model.items() if key not in ("id", "version")} == model
    assert (stored.uid, stored.title, stored.folder_uid) == (model["uid"], model["title"], place.mark)
    assert (stored.version, stored.provisioned) == (version, False)


def test_a_dashboard_that_is_not_there_is_none(place: Place) -> None:
    """404 from Grafana itself is an answer, not an error."""
    assert place.grafana.get(f"{place.mark}-none") is None


def test_versions_are_listed_newest_first_with_their_messages(place: Place) -> None:
    """Each save is a version with its message, the first one's too, and its JSON can be had again."""
    first = place.save(place.model(description="one"), message="obskit: 1111")
    second = place.save(place.model(description="two"), first, message="")
    third = place.save(place.model(description="three"), second, message="obskit: 3333")
    uid = place.model()["uid"]
    versions = place.grafana.versions(uid)

    assert [v.number for v in versions] == [third, second, first]
    assert [v.message for v in versions] == ["obskit: 3333", "", "obskit: 1111"]
    assert all(v.created for v in versions)
    assert place.grafana.version(uid, first)["description"] == "one"
    assert [v.number for v in place.grafana.versions(uid, limit=1)] == [third]


@pytest.mark.parametrize("stale", [None, 1], ids=["as new", "stale"])
def test_a_save_upon_an_old_version_is_a_conflict(place: Place, stale: int | None) -> None:
    """What somebody saved meanwhile is neither lost nor hidden; only overwrite goes over it."""
    first = place.save(place.model())
    second = place.save(place.model(description="theirs"), first)
    with pytest.raises(ConflictError, match="would not save the dashboard") as error:
        place.save(place.model(description="ours"), None if stale is None else first)
    third = place.save(place.model(description="ours"), first, overwrite=True)

    assert (error.value.reason, error.value.status) == ("version-mismatch", 412)
    assert "obskit dashboards diff" in error.value.hint
    assert third > second


def test_a_search_finds_dashboards_by_tag_and_folder(place: Place) -> None:
    """Both narrow; the folder itself is no dashboard."""
    place.save(place.model("a"))
    place.save(place.model("b", tags=[]))
    place.grafana.save(place.model("c"), folder_uid="", message="", version=None)
    marked = place.grafana.search(tag=place.mark)
    inside = place.grafana.search(folder_uid=place.mark)
    both = place.grafana.search(tag=place.mark, folder_uid=place.mark)
    place.grafana.delete(place.model("c")["uid"])

    assert {(f.uid[-1], f.folder_uid) for f in marked} == {("a", place.mark), ("c", "")}
    assert {(f.uid[-1], f.tags) for f in inside} == {("a", (place.mark,)), ("b", ())}
    assert [f.title for f in both] == [f"{place.mark} a"]


def test_a_save_into_another_folder_moves_it(place: Place) -> None:
    """The root is a folder too: ""."""
    first = place.save(place.model())
    place.grafana.save(place.model(), folder_uid="", message="", version=first)
    moved = place.grafana.get(place.model()["uid"])
    place.grafana.delete(place.model()["uid"])

    assert moved is not None
    assert moved.folder_uid == ""


def test_deleting_twice_deletes_once(place: Place) -> None:
    """The second time it is gone already, which is what was wanted."""
    place.save(place.model())

    assert [place.grafana.delete(place.model()["uid"]) for _ in range(2)] == [True, False]
    assert place.grafana.get(place.model()["uid"]) is None


def test_a_folder_is_made_once(place: Place) -> None:
    """Making it again returns the one that is there, whatever title is asked for."""
    made = place.grafana.create_folder(place.mark, place.mark)
    again = place.grafana.create_folder(place.mark, "another title")

    assert made == again == Folder(uid=place.mark, title=place.mark)
    assert made in place.grafana.folders()


def test_an_annotation_gets_an_id(place: Place) -> None:
    """With and without an end, for one dashboard or for all."""
    place.save(place.model())
    start = 1_700_000_000_000
    one = place.grafana.annotate(time_ms=start, time_end_ms=None, text="deployed", tags=[place.mark])
    two = place.grafana.annotate(
        time_ms=start, time_end_ms=start + 1, text="x", tags=(), dashboard_uid=place.model()["uid"]
    )

    assert 0 < one < two


@pytest.mark.parametrize(
    ("change", "said"), [({"uid": "x" * 41}, "uid too long"), ({"title": " "}, "title cannot be empty")]
)
def test_a_dashboard_that_grafana_refuses_is_an_error_in_its_words(place: Place, change: Any, said: str) -> None:
    """400 comes with the reason."""
    error = caught(lambda: place.save({**place.model(), **change}))

    assert error.status == 400
    assert said in error.where["said"]


def test_a_long_message_is_cut_to_what_grafana_takes(place: Place) -> None:
    """500 bytes, and no half of a character."""
    first = place.save(place.model())
    place.save(place.model(), first, message="ü" * 400)

    assert place.grafana.versions(place.model()["uid"])[0].message == "ü" * 250


# what differs between releases


def test_a_taken_title_is_a_conflict_where_titles_are_unique(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """Grafana 11.2 refuses a second dashboard of that title in the folder."""
    standin.put({"uid": "theirs", "title": "Same"})
    with pytest.raises(ConflictError) as error:
        grafana.save({"uid": "ours", "title": "Same"}, folder_uid="", message="", version=None)

    assert error.value.reason == "name-exists"


def test_two_may_share_a_title_in_a_new_release() -> None:
    """Grafana 11.6 and newer let them."""
    with GrafanaStandIn(NEW) as standin:
        standin.put({"uid": "theirs", "title": "Same"})
        Grafana(standin.connection()).save({"uid": "ours", "title": "Same"}, folder_uid="", message="", version=None)

        assert sorted(standin.models) == ["ours", "theirs"]


def test_overwriting_a_strangers_dashboard_does_not_go_unnoticed(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """An old Grafana replaces the one of the same title; that is reported, not counted as ours."""
    standin.put({"uid": "theirs", "title": "Same"})
    ours = {"uid": "ours", "title": "Same"}
    error = caught(lambda: grafana.save(ours, folder_uid="", message="", version=None, overwrite=True))

    assert "'theirs'" in error.where["said"]


@pytest.mark.parametrize("version", ["10.1.0", OLD])
def test_a_folder_of_the_same_title_or_uid_is_used(version: str) -> None:
    """Whichever status says that it is there: 412 in old releases, 409 since."""
    with GrafanaStandIn(version) as standin:
        grafana = Grafana(standin.connection())
        made = grafana.create_folder("theirs", "Observability")

        assert grafana.create_folder("theirs", "Other") == made
        assert grafana.create_folder("ours", "Observability") == made


@pytest.mark.parametrize("version", ["10.1.0", OLD, NEW])
def test_a_folder_that_was_moved_into_another_is_used_where_it_is(version: str) -> None:
    """The list holds the root only, and its uid stays taken: it is asked for by that."""
    with GrafanaStandIn(version) as standin:
        grafana = Grafana(standin.connection())
        made, parent = grafana.create_folder("ours", "Observability"), grafana.create_folder("ops", "Ops")
        standin.move_folder("ours", "ops")

        assert grafana.folders() == (parent,)
        assert grafana.folder("ours") == grafana.create_folder("ours", "Observability") == made
        assert grafana.folder("none") is None


def test_a_dashboard_that_is_nested_without_end_is_refused(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """Whoever walks through it would run out of stack, which is a crash and no message."""
    for depth in (90, 110, 300):
        deep: dict[str, Any] = {}
        for _ in range(depth):
            deep = {"a": deep}
        standin.put({"uid": f"d{depth}", "title": "D", "deep": deep})

    assert grafana.get("d90")
    for uid in ("d110", "d300"):
        error = caught(lambda uid=uid: grafana.get(uid))  # type: ignore[misc]
        assert "nested deeper than 100" in error.where["said"]
        assert "nested deeper" in caught(lambda uid=uid: grafana.version(uid, 1)).where["said"]  # type: ignore[misc]


def test_a_plugins_and_a_provisioned_dashboard_are_left_alone(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """The one is a conflict, the other is refused; both say why."""
    standin.put({"uid": "plugin", "title": "P"}, plugin="alloy")
    standin.put({"uid": "file", "title": "F"}, provisioned=True)
    stored = grafana.get("file")
    with pytest.raises(ConflictError) as conflict:
        grafana.save({"uid": "plugin", "title": "P"}, folder_uid="", message="", version=1)
    saving = caught(lambda: grafana.save({"uid": "file", "title": "F"}, folder_uid="", message="", version=1))
    deleting = caught(lambda: grafana.delete("file"))

    assert stored is not None
    assert stored.provisioned
    assert conflict.value.reason == "plugin-dashboard"
    assert (saving.status, saving.where["said"]) == (400, "400 Cannot save provisioned dashboard")
    assert (deleting.status, sorted(standin.models)) == (400, ["file", "plugin"])


# pages, paths, threads


def test_a_search_reads_every_page(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """2300 dashboards are three pages, and none comes twice."""
    uids = standin.preload(2300, tags=["obskit"])
    found = grafana.search(tag="obskit")

    assert tuple(f.uid for f in found) == uids
    assert [call.asked("page") for call in standin.calls] == ["1", "2", "3"]


def test_folders_are_read_page_by_page(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """More than 1000 folders are all seen."""
    for i in range(1001):
        standin.put({"uid": "wanders", "title": "W"}, folder_uid=f"folder-{i}")

    assert len(grafana.folders()) == 1001


def test_a_server_that_knows_no_pages_is_read_once_more() -> None:
    """The same full page again ends the search."""
    page = b"[" + b",".join(b'{"uid":"%d","title":"t"}' % i for i in range(1000)) + b"]"
    with FaultyServer(faulty.ok(page)) as server:
        assert len(Grafana(Connection(url=server.url)).search()) == 1000
        assert len(server.seen) == 2


def test_a_uid_is_one_segment_of_the_path(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """Whatever it holds, it names a dashboard and no other route."""
    assert grafana.get("a/b?c#d e%2F..") is None
    assert standin.calls[0].segments == ("api", "dashboards", "uid", "a/b?c#d e%2F..")
    for uid in ("", ".", ".."):
        with pytest.raises(UsageError, match="is no uid"):
            grafana.delete(uid)
    assert len(standin.calls) == 1


def test_a_sub_path_stays_in_front() -> None:
    """Grafana behind ``/grafana/`` is asked below it."""
    with FaultyServer(faulty.ok(b'{"database":"ok"}')) as server:
        Grafana(Connection(url=f"{server.url}/grafana/")).health()

        assert server.seen[0].path == "/grafana/api/health"


def test_threads_share_one_client(standin: GrafanaStandIn, grafana: Grafana) -> None:
    """Saves at once are each made once."""
    models = [{"uid": f"d{i}", "title": f"D{i}"} for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda m: grafana.save(m, folder_uid="", message="", version=None), models))

    assert versions == [1] * 40
    assert len(standin.models) == len(standin.calls) == 40


def test_a_cookie_is_not_kept() -> None:
    """The token says who we are; a session that the server offers would outlive it."""
    with FaultyServer(faulty.ok(b'{"database":"ok"}', Set_Cookie="grafana_session=abc; Path=/")) as server:
        grafana = Grafana(Connection(url=server.url, bearer_token=SECRET))
        grafana.health()
        grafana.health()

        assert "cookie" not in server.seen[1].headers
