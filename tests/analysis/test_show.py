"""What a notebook shows of a value: small, escaped whatever it holds, and without scripts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit.analysis.frames import findings_frame
from obskit.analysis.show import diagnosis_html, logs_html, metrics_html
from obskit.model import Gap, Logs, Metrics, Series, Service, Telemetry
from tests.support.diagnosis_example import example
from tests.support.hostile import HOSTILE, hostile

_TAGS = {
    *(
        "div",
        "b",
        "br",
        "i",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "svg",
        "path",
        "ol",
        "li",
        "details",
        "summary",
    ),
    "style",  # pandas' own
    "p",  # pandas' own
}
_ATTRIBUTES = {
    "style",
    "width",
    "height",
    "viewbox",
    "d",
    "fill",
    "stroke",
    "stroke-linecap",
    "border",
    "class",
    "scoped",
}
#: What steers a terminal or turns the reading order.
_STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
TEXTS = st.one_of(
    st.text(max_size=60),
    st.text("<>&\"'/=-!$_\\{}\x1b\u202e\ud800 onerrscipt", max_size=60),
    st.just(HOSTILE),
)


class _Reader(HTMLParser):
    """Collects tags and attributes, and whether every tag that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("br", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the one that is open."""
        if tag not in ("br", "path"):
            assert self.open.pop() == tag


def require_harmless(html: str) -> None:
    """Fail where a page holds more than the tables that obskit writes."""
    reader = _Reader()
    reader.feed(html)
    reader.close()

    assert reader.open == []
    assert reader.tags <= _TAGS
    assert reader.attributes <= _ATTRIBUTES
    assert not _STEERS.search(html)


def _metrics(text: str, values: np.ndarray) -> Metrics:
    times = np.datetime64("2026-01-31T03:00", "ns") + np.arange(len(values)) * np.timedelta64(15, "s")
    one = Series(signal=text, unit="seconds", service=text, task=text, labels=((text, text),), query=text)
    return Metrics(times=times, values=values, series=(one,) * values.shape[1])


@given(TEXTS, st.lists(st.floats(), max_size=6))
def test_whatever_telemetry_holds_is_shown_as_text(text: str, numbers: list[float]) -> None:
    """Series, lines, levels, services, gaps: no text of others becomes markup, steers or breaks a page."""
    metrics = _metrics(text, np.array(numbers, np.float64).reshape(-1, 1))
    whole = text.encode("utf-8", "replace").decode()
    logs = Logs.of([1, 2], [whole, whole], [whole, ""], [whole, whole], [whole, whole])
    telemetry = Telemetry(metrics=metrics, logs=logs, gaps=(Gap(source=text, query=text, reason=text),))
    incident = obskit.Incident(service=Service(name=text), window=example().window, telemetry=telemetry)

    for html in (metrics_html(metrics), logs_html(logs), incident._repr_html_()):
        require_harmless(html)
        html.encode("utf-8")


def test_a_diagnosis_that_carries_hostile_text_everywhere_is_shown_as_text() -> None:
    """Also the timeline, which pandas shows."""
    diagnosis = hostile()

    require_harmless(diagnosis._repr_html_())
    assert "<script>" not in str(findings_frame(diagnosis.timeline)._repr_html_())  # type: ignore[operator]


def test_a_diagnosis_shows_its_verdict_probabilities_evidence_and_what_is_unknown() -> None:
    """What an engineer asks first is seen without a further call."""
    html = obskit.demo().diagnosis._repr_html_()

    for words in (
        "CAUSE FOUND",
        "pool is exhausted",
        "something else",
        "nats",
        "+3.0",
        "2026-11-24T19:34:05Z",
        "timeline",
    ):
        assert words in html
    assert len(html) < 12_000


def test_metrics_show_unit_levels_and_course_of_the_first_series() -> None:
    """Levels are read as a person reads them; a gap in the course is a gap; what is left out is counted."""
    values = np.tile(np.array([[0.25], [np.nan], [0.5], [1.5], [np.nan]]), (1, 23))
    html = metrics_html(_metrics("latency", values))

    assert html.count("<tr>") == 21
    assert "and 3 more series" in html
    assert "<b>23 series</b> of 5 points, 2026-01-31T03:00:00Z to 2026-01-31T03:01:00Z" in html
    for cell in ("0.25 s", "1.5 s", "seconds"):
        assert cell in html
    assert html.count("<svg") == 20
    assert len(re.findall(r'd="M[^"]*M', html)) == 20


@pytest.mark.parametrize("values", [np.empty((0, 0)), np.empty((0, 1)), np.full((3, 1), np.nan), np.full((1, 1), 2.0)])
def test_metrics_without_samples_say_no_data(values: np.ndarray) -> None:
    """Never zero."""
    html = metrics_html(_metrics("x", values))

    require_harmless(html)
    assert ("no data" in html) == (values.shape[1] == 1 and not np.isfinite(values).any())


def test_logs_show_how_many_there_are_of_whom_and_the_first() -> None:
    """Counts by service and level, the most frequent first."""
    html = logs_html(obskit.demo().logs)

    assert "<b>17654 log lines</b>" in html
    assert html.index("11636") < html.index("2806")
    assert "and 17644 more lines" in html
    assert logs_html(Logs.empty()) == "<div><div><b>0 log lines</b></div></div>"


def test_an_incident_shows_its_diagnosis_once_that_was_made() -> None:
    """Looking at what was seen costs nothing; what was computed is shown with it."""
    incident = obskit.demo()

    assert "CAUSE FOUND" not in incident._repr_html_()
    assert diagnosis_html(incident.diagnosis) in incident._repr_html_()


def test_no_value_prints_its_matrix() -> None:
    """In a terminal or a debugger each says on one line what it holds, the empty ones too."""
    seen = obskit.demo().telemetry
    many, points = len(seen.metrics.series), len(seen.metrics.times)

    assert repr(seen.metrics).startswith(f"<Metrics: {many} series of {points} points, 2026-")
    assert repr(seen.logs).startswith(f"<Logs: {len(seen.logs)} lines, 2026-")
    assert repr(seen).startswith(f"<Telemetry: {many} series, {len(seen.logs)} lines, ")
    assert max(len(repr(value)) for value in (seen, seen.metrics, seen.logs, obskit.demo().steps)) < 120
    assert repr(Metrics.empty()) == "<Metrics: 0 series of 0 points>"
    assert repr(Logs.empty()) == "<Logs: 0 lines>"
    assert repr(Telemetry()) == "<Telemetry: 0 series, 0 lines, 0 events, 0 gaps>"


def test_a_diagnosis_says_verdict_and_likeliest_cause_on_one_line() -> None:
    """Whatever it holds steers no terminal."""
    told = example()
    line, bad = repr(told), repr(hostile())

    assert line.startswith(f"<Diagnosis of {told.service}, ")
    assert f": {told.verdict}: {told.hypotheses[0].cause} " in line
    assert line.endswith(" %>")
    assert not _STEERS.search(bad)
    assert "\n" not in bad
    assert len(bad) < 300
