"""The page: in Grafana's places, escaped, offline, and the same again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from shutil import which

import pytest

from obskit.ascode.preview import PreviewAsk, collect, render, shoot
from obskit.ascode.preview.data import PanelData
from obskit.ascode.preview.prose import markup
from obskit.errors import SourceError, UsageError
from obskit.sources.bundle import read_bundle
from tests.ascode.preview.examples import definition, example, panel, variable
from tests.ascode.preview.test_collect import RECORDED, described
from tests.incident.report.test_as_html import VOID, chromium
from tests.support.hostile import HOSTILE

PNG = b"\x89PNG\r\n\x1a\n"


class Page(HTMLParser):
    """Collects tags and text, and checks that every tag is closed."""

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


@pytest.mark.parametrize("text", ["shop", HOSTILE], ids=["plain", "hostile"])
def test_the_page_is_well_formed_and_text_stays_text(text: str) -> None:
    """Hostile titles, labels, lines, queries and answers make no element, attribute or address."""
    page_text = render(*example(text))
    page = Page(page_text)

    assert page.open == []
    assert not {"script", "img", "iframe", "object", "form", "base", "link"} & {t for t, _ in page.tags} - {"link"}
    assert [a["href"] for a in page.all("link")] == ["data:,"]
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    targets = {a[key] for _, a in page.tags for key in ("href", "src") if key in a}
    assert {t for t in targets if not re.fullmatch(r"#(main|p\d+)|data:,", t)} == set()
    assert all(re.fullmatch(r"[\w:;%.()#-]*", a["style"]) for _, a in page.tags if "style" in a)
    assert not {c for c in page_text if (ord(c) < 32 and c not in "\n\t") or c in "\x7f\x9b\u202e"}
    page_text.encode()


def test_the_page_says_that_it_is_no_grafana_and_forbids_every_request() -> None:
    """The head names it a preview; the policy allows nothing but its own style."""
    text = render(*example())
    policy = next(a["content"] for a in Page(text).all("meta") if a.get("http-equiv") == "Content-Security-Policy")

    assert "Preview by obskit — not Grafana" in text.split("<main")[0]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    assert not re.search(r"url\(|@import|https?:", text)


def test_the_same_data_is_the_same_page_and_it_is_small() -> None:
    """Same input, same bytes; an hour of a dozen lines goes by mail."""
    assert render(*example()) == render(*example())
    assert len(render(*example()).encode()) < 100_000


def test_the_head_counts_and_names_what_to_look_at() -> None:
    """How many panels have data, and a link to each that has none."""
    text = "".join(Page(render(*example())).text)
    links = [a["href"] for a in Page(render(*example())).all("a") if a.get("class", "").startswith("chip")]

    assert "4 with data, 1 failed, 1 not asked" in " ".join(text.split())
    assert links == ["#p5", "#p6"]
    assert "shop = shop" in " ".join(text.split())


def _places(text: str) -> dict[str, tuple[int, ...]]:
    """Return where each panel stands: x, y, w, h by its anchor."""
    sections = [a for a in Page(text).all("section") if "id" in a]
    return {a["id"]: tuple(int(n) for n in re.findall(r"--[xywh]:(\d+)", a["style"])) for a in sections}


def test_panels_stand_where_grafana_places_them() -> None:
    """By ``gridPos`` below their row's heading, and never off the grid."""
    assert _places(render(*example())) == {
        "p1": (1, 1, 12, 8),
        "p2": (13, 1, 6, 4),
        "p3": (13, 5, 12, 4),
        "p4": (1, 9, 24, 6),
        "p5": (1, 15, 8, 5),
        "p6": (9, 15, 8, 5),
        "p7": (17, 15, 8, 5),
    }
    dashboard = definition(panel("text", "Off", at=(20, -3, 90, 0)), {"type": "text", "gridPos": "none"})
    data = replace(example()[1], panels=tuple(PanelData(panel=p, state="plain") for p in dashboard.panels))
    assert list(_places(render(dashboard, data)).values()) == [(1, 1, 12, 8), (21, 1, 4, 1)]


def test_what_a_collapsed_row_hides_is_shown_below_it() -> None:
    """A reviewer sees all panels; what follows the row stands apart."""
    inner = panel("text", "Inner", at=(0, 7, 12, 4))
    row = {
        "type": "row",
        "title": "More",
        "collapsed": True,
        "panels": [inner],
        "gridPos": {"x": 0, "y": 1, "w": 24, "h": 1},
    }
    dashboard = definition(row, panel("text", "After", at=(0, 2, 12, 4)))
    data = replace(example()[1], panels=tuple(PanelData(panel=p, state="plain") for p in dashboard.panels))
    text = render(dashboard, data)

    assert text.index(">More<") < text.index(">Inner<") < text.index(">Panels</h2>") < text.index(">After<")
    assert _places(text) == {"p1": (1, 1, 12, 4), "p2": (1, 1, 12, 4)}


def test_each_panel_shows_its_query_and_each_failure_its_reason() -> None:
    """The whole text that was sent, to be copied; the server's words where there is no data."""
    dashboard, data = example("sum by (a) (rate(b[5m]))")
    words = "it is <late>"
    panels = tuple(replace(p, why=words) if p.state == "failed" else p for p in data.panels)
    text = "".join(Page(render(dashboard, replace(data, panels=panels))).text)

    assert text.count("sum by (a) (rate(b[5m]))") > 20
    assert words in text


def test_what_is_not_drawn_as_in_grafana_is_said() -> None:
    """Stacked lines, panels of kinds that are not known here, repeated ones."""
    data = example()[1]
    shown = data.panels[1]
    custom = {"fieldConfig": {"defaults": {"custom": {"stacking": {"mode": "normal"}}}}}
    strange = {**shown.panel, **custom, "type": "geomap", "repeat": "service"}
    other = definition(strange)
    text = render(other, replace(data, panels=(replace(shown, panel=strange),)))

    assert all(words in text for words in ("Grafana stacks", "a geomap panel", "repeats this panel"))


def test_prose_is_light_markdown_and_nothing_else() -> None:
    """Headings, lists, bold, code; addresses are shown and not linked; markup is text."""
    text = "# Head\nsome **bold** `code`\n- one\n- [doc](https://x.example)\nend <b>x</b>"

    assert markup(text) == (
        '<p class="head">Head</p>\n<p>some <b>bold</b> <code>code</code></p>\n<ul>\n<li>one</li>\n'
        "<li>doc (<code>https://x.example</code>)</li>\n</ul>\n<p>end &lt;b&gt;x&lt;/b&gt;</p>"
    )
    assert Page(str(markup(HOSTILE))).open == []


def _recorded() -> str:
    field = {"defaults": {"unit": "percentunit"}}
    pool = panel("timeseries", "Pool", "a", description=described("db_pool_used_ratio"), fieldConfig=field)
    dashboard = definition(pool, variables=(variable("service", includeAll=True),))
    return render(dashboard, collect(dashboard, PreviewAsk(recording=read_bundle(RECORDED))))


@pytest.mark.parametrize("which_page", ["example", "hostile", "recorded"])
def test_a_browser_asks_for_nothing_and_complains_of_nothing(tmp_path: Path, which_page: str) -> None:
    """In Chromium: no request beyond the file, no console message, no sideways scroll."""
    text = {"example": lambda: render(*example()), "hostile": lambda: render(*example(HOSTILE)), "recorded": _recorded}
    page = tmp_path / "page.html"
    page.write_text(text[which_page](), "utf-8")
    with chromium(tmp_path) as browser:
        browser.get("about:blank")
        browser.get_log("performance")
        browser.get(page.as_uri())
        widths = browser.execute_script("const d = document.documentElement; return [d.scrollWidth, d.clientWidth]")
        lines = browser.execute_script("return document.querySelectorAll('svg .series').length")
        messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}

        assert browser.get_log("browser") == []
        assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}
        assert widths[0] <= widths[1]
        assert lines >= 3


@pytest.mark.parametrize("width", [1600, 390])
def test_nothing_covers_anything(tmp_path: Path, width: int) -> None:
    """At a desk's and a phone's width panels lie beside each other, and the page is as high as it says."""
    page = tmp_path / "page.html"
    page.write_text(render(*example()), "utf-8")
    boxes_of = """
      const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] };
      return [...document.querySelectorAll('section')].map(box)"""
    with chromium(tmp_path) as browser:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(page.as_uri())
        boxes = browser.execute_script(boxes_of)
        height = browser.execute_script("return document.documentElement.scrollHeight")
        said = int(browser.execute_script("return document.body.dataset.height"))

    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    assert [
        (a, b) for a, b in pairs if a[0] < b[2] - 1 and b[0] < a[2] - 1 and a[1] < b[3] - 1 and b[1] < a[3] - 1
    ] == []
    assert all(box[0] >= 0 and box[2] <= width for box in boxes)
    if width == 1600:
        assert height <= said < height + 150


def test_a_real_browser_takes_a_picture(tmp_path: Path) -> None:
    """A PNG as wide as asked and as high as the page says; nothing else is left behind."""
    if not which("chromium"):
        pytest.skip("chromium is not installed")
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(render(*example(HOSTILE)), "utf-8")
    shoot(page, picture, width=1000)
    body = picture.read_bytes()
    height = re.search(r'data-height="(\d+)"', page.read_text("utf-8"))

    assert body.startswith(PNG)
    assert height
    assert (int.from_bytes(body[16:20]), int.from_bytes(body[20:24])) == (1000, int(height[1]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["page.html", "page.png"]


def test_a_picture_that_cannot_be_taken_is_said(tmp_path: Path) -> None:
    """No browser, one that fails, a page that is none of ours, one that is too high: words and a hint, no file."""
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(render(*example()), "utf-8")
    foreign, high = tmp_path / "foreign.html", tmp_path / "high.html"
    foreign.write_text("<html>", "utf-8")
    high.write_text('<body data-height="99999">', "utf-8")
    broken = which("false")
    assert broken

    with pytest.raises(UsageError, match="no browser: looked for obskit-no-such") as none:
        shoot(page, picture, chromium="obskit-no-such")
    with pytest.raises(SourceError, match="took no picture"):
        shoot(page, picture, chromium=broken)
    with pytest.raises(UsageError, match="no preview"):
        shoot(foreign, picture, chromium=broken)
    with pytest.raises(UsageError, match="too high"):
        shoot(high, picture, chromium=broken)
    with pytest.raises(UsageError, match="cannot be read"):
        shoot(tmp_path / "gone.html", picture, chromium=broken)
    assert "install Chromium" in none.value.hint
    assert not picture.exists()


def test_the_preview_loads_nothing_heavy_before_it_is_used() -> None:
    """Importing the package costs no requests and no pyarrow; only a live preview or a recording does."""
    code = (
        "import sys, obskit.ascode.preview; print({'requests', 'pyarrow', 'pandas', 'grafanalib'} & set(sys.modules))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, timeout=60
    )

    assert done.stdout == "set()\n"
