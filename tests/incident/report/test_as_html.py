"""The page: one file, offline, escaped, and usable with a keyboard."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from obskit.incident.report.as_html import render
from obskit.incident.report.phrases import clock
from obskit.model import Diagnosis, Finding, Metrics
from tests.support.diagnosis_example import at, calm, example, unclear
from tests.support.hostile import hostile

VOID = {"meta", "link", "br", "wbr"}


class Page(HTMLParser):
    """Collects what the tests ask for, and checks that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that opens."""
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself."""
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Check that the last open tag is the one that closes."""
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text.append(data)

    def all(self, name: str) -> list[dict[str, str]]:
        """Return the attributes of all elements of this name."""
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.mark.parametrize(
    "diagnosis", [example(), calm(), unclear(), hostile()], ids=["example", "calm", "unclear", "hostile"]
)
def test_the_page_is_well_formed_and_carries_no_script_but_its_own(diagnosis: Diagnosis) -> None:
    """Hostile text is text: no element, no attribute and no address comes from it."""
    text = render(diagnosis)
    page = Page(text)

    assert page.open == []
    assert len(page.all("script")) == 1
    assert not {"img", "iframe", "object", "form", "base"} & {tag for tag, _ in page.tags}
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    assert {"#main", "data:,"} == {a[key] for _, a in page.tags for key in ("href", "src") if key in a}
    assert not {c for c in text if (ord(c) < 32 and c not in "\n\t") or c in "\x7f\x9b\u202e"}
    assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|(49) ", text)


def test_the_policy_forbids_every_request() -> None:
    """Nothing may be loaded; the one script is allowed by the hash of its bytes."""
    text = render(example())
    policy = next(a["content"] for a in Page(text).all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    script = text.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}'" in policy
    assert not re.search(r"https?:", policy)


def test_the_page_is_small_and_the_same_again() -> None:
    """It goes by mail and into an issue: under 200 kB for an hour of eight signals and five tasks."""
    assert len(render(example()).encode()) < 200_000
    assert render(example()) == render(example())


def test_every_claim_stands_with_its_query() -> None:
    """What a person reads they can check: each query of each claim is on the page, whole."""
    shown = "".join(Page(render(example())).text)
    claims = [c for h in example().hypotheses for c in (*h.judgement.claims_for, *h.judgement.claims_against)]

    assert [c.query for c in claims if c.query not in shown or c.words not in shown] == []


def test_the_page_can_be_read_by_ear() -> None:
    """Landmarks, headings in order, named drawings, captioned tables, a way to skip."""
    page = Page(render(example()))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]

    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert all(page.all(landmark) for landmark in ("header", "main", "footer"))
    assert all(svg["role"] == "img" and svg["aria-labelledby"] for svg in page.all("svg"))
    assert len(page.all("table")) == len(page.all("caption"))
    assert all("scope" in cell for cell in page.all("th"))
    ids = [a["id"] for _, a in page.tags if "id" in a]
    named = {name for _, a in page.tags for name in a.get("aria-labelledby", "").split()}
    assert len(ids) == len(set(ids))
    assert named <= set(ids)


def test_a_calm_page_and_a_page_without_series_still_come() -> None:
    """What is not there is left out, not drawn empty."""
    assert "Nothing abnormal in demo-app" in render(calm())
    assert not Page(render(calm())).all("svg")
    bare = replace(example(), metrics=Metrics.empty(), timeline=(), hypotheses=(), verdict="no_clear_cause")
    assert "No clear cause" in render(bare)


def test_suspects_and_template_ids_are_on_the_page() -> None:
    """Who, by what, from when, and the query; a template can be named by its id."""
    shown = " ".join("".join(Page(render(unclear())).text).split())

    assert "auth score 4.6 +2.9errors: share of requests answered 5xx 0 % -> 3.2 % from 02:58:00Z" in shown
    assert 'errors{service="auth"}' in shown
    assert "node CPU busy" not in shown
    assert f"id {example().log_templates[0].id}" in shown
    assert "Suspects" not in render(example())


def _task_rows(diagnosis: Diagnosis) -> dict[str, tuple[str, str]]:
    """Return of each row of the table of tasks when the task was seen and what happened to it."""
    table = render(diagnosis).split('id="tasks"')[-1].split("</table>")[0]
    cells = r'<code title="(\w+)">.*?<td>.*?</td><td>(.*?)</td><td>(.*?)</td>'
    return {task: (seen, happened) for task, seen, happened in re.findall(cells, table)}


def _end(task: str, minutes: float = 9.5) -> Finding:
    words = "failed its health checks (exit code 143)"
    return Finding(
        kind="task_stop",
        pillar="events",
        subject="health_check_failed",
        service="demo-app",
        task=task,
        onset=at(minutes),
        words=words,
    )


def test_a_task_that_stopped_is_never_said_to_have_nothing_happen_to_it() -> None:
    """The timeline tells of several stops together; the table tells of each, and none of them reached the end."""
    (alive,) = {task for task, (seen, _) in _task_rows(example()).items() if seen == "throughout"}
    told = _task_rows(replace(example(), timeline=(), task_ends=(_end(alive),)))

    assert told[alive] == ("from the start to its stop", f"{clock(at(9.5))} failed its health checks (exit code 143)")
    assert {happened for task, (_, happened) in told.items() if task != alive} == {"nothing that was seen"}


def test_a_stop_that_the_timeline_tells_of_alone_is_told_once() -> None:
    """A group of one is the same stop."""
    ends = [_end("lonely")]
    told = _task_rows(replace(example(), timeline=(*ends,), task_ends=tuple(ends)))

    assert told["lonely"] == ("no series", f"{clock(at(9.5))} failed its health checks (exit code 143)")


def test_a_loop_of_tasks_without_series_does_not_flood_the_table() -> None:
    """Tasks that die before a scrape are listed up to a number; of the others it is said how many they are and when."""
    ends = tuple(_end(f"dead{i}", minutes=i) for i in range(50))
    page = render(replace(example(), timeline=(), task_ends=ends))

    assert len([task for task in _task_rows(replace(example(), timeline=(), task_ends=ends)) if "dead" in task]) == 20
    assert (
        f"30 further tasks had no series: what happened to them did so from {clock(at(20))} to {clock(at(49))}" in page
    )


@contextmanager
def chromium(tmp_path: Path, *, mobile: bool = False) -> Iterator[Any]:
    """Yield a headless browser of its own, or skip where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    binary, driver = which("chromium"), which("chromedriver")
    if not (binary and driver):
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    quiet = ("background-networking", "component-update", "sync", "gpu", "quic")
    for switch in ("headless=new", "no-sandbox", "no-first-run", *(f"disable-{name}" for name in quiet)):
        options.add_argument(f"--{switch}")
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.add_argument(f"--window-size={'390,844' if mobile else '1280,900'}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def _opened(tmp_path: Path, browser: Any, diagnosis: Diagnosis) -> str:
    page = tmp_path / "page.html"
    page.write_text(render(diagnosis), "utf-8")
    browser.get("about:blank")
    browser.get_log("performance")  # what the browser's own start page asked for
    browser.get(page.as_uri())
    return page.as_uri()


def _asked(browser: Any) -> list[str]:
    """Return the addresses that the page asked for."""
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize("diagnosis", [example(), hostile()], ids=["example", "hostile"])
def test_a_browser_asks_for_nothing_and_complains_of_nothing(tmp_path: Path, diagnosis: Diagnosis) -> None:
    """Opened in Chromium: no request beyond the file, no console message, no script of others, no sideways scroll."""
    with chromium(tmp_path) as browser:
        address = _opened(tmp_path, browser, diagnosis)
        copies = browser.execute_script("return document.querySelectorAll('.q button').length")
        widths = browser.execute_script("const d = document.documentElement; return [d.scrollWidth, d.clientWidth]")

        assert browser.get_log("browser") == []
        assert {address} == {url for url in _asked(browser) if not url.startswith("data:")}
        assert copies > 5
        assert widths[0] <= widths[1]


def test_a_keyboard_opens_a_hypothesis(tmp_path: Path) -> None:
    """From the top of the page, Tab reaches the second cause and Enter unfolds its evidence."""
    with chromium(tmp_path) as browser:
        _opened(tmp_path, browser, example())
        actions = pytest.importorskip("selenium.webdriver").ActionChains(browser)
        second = "document.querySelectorAll('details.cause')[1]"
        actions.send_keys("\ue004").perform()

        assert browser.switch_to.active_element.get_attribute("class") == "skip"
        for _ in range(60):
            actions.send_keys("\ue004").perform()
            if browser.execute_script(f"return document.activeElement.parentElement === {second}"):
                break
        assert not browser.execute_script(f"return {second}.open")
        actions.send_keys("\ue007").perform()
        assert browser.execute_script(f"return {second}.open")


@pytest.mark.parametrize("diagnosis", [example(), hostile()], ids=["example", "hostile"])
def test_a_phone_shows_the_whole_width(tmp_path: Path, diagnosis: Diagnosis) -> None:
    """At a phone's width nothing sticks out of the page; wide tables scroll within themselves."""
    with chromium(tmp_path, mobile=True) as browser:
        size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        _opened(tmp_path, browser, diagnosis)

        assert browser.execute_script("return document.documentElement.scrollWidth") == 390
