"""Which kinds of log lines are new, surged or vanished, and since when."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.incident import logs as stage
from obskit.incident.logs import MOST_OTHERS, LogReport, find_in_logs
from obskit.incident.shifts import Bar, find_shifts
from obskit.model import Finding, Logs, Window, nanoseconds

START = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=30))
SECOND = 1_000_000_000
Row = tuple[float, str, str, str, str]


def row(second: float, line: str, *, service: str = "shop", task: str = "t1", level: str = "info") -> Row:
    """Return a line at so many seconds after the window's start (negative: before it)."""
    return second, service, task, level, line


def report(rows: Iterable[Row], **options: object) -> LogReport:
    """Run the stage on rows."""
    rows = list(rows)
    times = [nanoseconds(START) + round(r[0] * SECOND) for r in rows]
    logs = Logs.of(times, *([r[i] for r in rows] for i in range(1, 5)))  # type: ignore[arg-type]
    return find_in_logs(logs, window=WINDOW, service="shop", **options)  # type: ignore[arg-type]


def only(found: LogReport, kind: str) -> Finding:
    """Return the one finding of a kind."""
    (finding,) = [f for f in found.findings if f.kind == kind]
    return finding


def calm(start: float = -600, end: float = 1800, every: float = 1.0) -> list[Row]:
    """Return ordinary access lines."""
    return [row(float(s), "GET /products 200 3ms", task=f"t{int(s) % 3}") for s in np.arange(start, end, every)]


def words(rng: np.random.Generator, n: int) -> list[str]:
    """Return distinct texts without digits, unlike each other."""
    return [" ".join("".join(rng.choice(list("abcdefghijklmnop"), 6)) for _ in range(5)) for _ in range(n)]


def test_no_lines_have_no_findings() -> None:
    """Nothing seen is nothing found."""
    assert report([]) == LogReport(findings=(), templates=())


def test_a_new_signature_is_found_with_the_time_of_its_first_line() -> None:
    """The onset is the line's own, not its bin's."""
    bad = [
        row(
            612.345 + i,
            f"timeout: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout {i}.00",
            level="error",
        )
        for i in range(300)
    ]
    found = only(report([*calm(), *bad]), "signature")

    assert found.subject == "db_pool_exhausted/sqlalchemy"
    assert found.onset == START + timedelta(seconds=612.345)
    assert found.until is not None
    assert (found.before, found.count) == (0, 300)
    assert found.score == pytest.approx(9.2, abs=0.3)
    assert found.query == '{service="shop"} |= "reached, connection timed out, timeout"'
    assert found.words.startswith('"timeout: QueuePool limit of size # overflow # reached')
    assert "lines a minute" in found.words


def test_a_signature_that_is_there_all_day_is_no_evidence() -> None:
    """What was so before the incident does not explain it."""
    always = [
        row(float(s), "OSError: [Errno 28] No space left on device", level="error") for s in range(-600, 1800, 20)
    ]

    assert report([*calm(), *always]).findings == ()


def test_a_known_wording_that_surges_over_its_usual_rate_is_found() -> None:
    """A few on every day, many since the incident."""
    usual = [row(float(s), "upstream timed out", level="error") for s in range(-595, 1800, 60)]
    more = [row(900 + s / 2, "upstream timed out", level="error") for s in range(600)]
    found = only(report([*calm(), *usual, *more]), "signature")

    assert found.subject == "slow_dependency/nginx_timeout"
    assert abs((found.onset - START).total_seconds() - 900) < 10
    assert found.before == pytest.approx(1, rel=0.2)


def test_one_line_that_names_the_broken_thing_is_enough_and_one_timeout_is_not() -> None:
    """A full heap is said once; time-outs happen."""
    fatal = row(900, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", level="")
    hint = row(950, "Read timed out", level="error")
    found = report([*calm(), fatal, hint])

    assert [f.subject for f in found.findings] == ["runtime_heap_exhausted/node_heap"]


def test_a_signature_merges_its_templates_per_service() -> None:
    """One wording in several lines is one finding a service."""
    bad = [
        row(900 + i, f"{text} Connection refused", service=service, level="error")
        for i in range(60)
        for text in ("checkout:", "cart failed with")
        for service in ("shop", "orders")
    ]
    found = [f for f in report([*calm(), *bad]).findings if f.kind == "signature"]

    assert [(f.service, f.count) for f in found] == [("shop", 120), ("orders", 120)]


def test_more_traffic_is_told_as_volume() -> None:
    """All templates rise together: that is one finding, not forty."""
    rng = np.random.default_rng(1)
    texts = words(rng, 40)
    rows = [row(float(t), str(rng.choice(texts))) for t in np.arange(-600, 1800, 0.5)]
    rows += [row(float(t), str(rng.choice(texts))) for t in np.arange(900, 1800, 0.05)]
    found = report(rows)

    assert [(f.kind, f.subject) for f in found.findings] == [("surge", "log volume")]
    assert abs((found.findings[0].onset - START).total_seconds() - 900) <= 5


def test_failing_responses_surge_as_one_class() -> None:
    """The status stays visible, and routes are put together."""
    bad = [row(900 + i / 2, f"GET /{'abc'[i % 3]} 503 9ms", level="error") for i in range(900)]
    found = only(report([*calm(), *bad]), "new_template")

    assert (found.subject, found.onset) == ("access 5xx", START + timedelta(seconds=900))


def test_what_stops_while_the_service_goes_on_has_vanished() -> None:
    """A job that no longer runs is news; the end of all lines is told as one finding."""
    job = [row(float(s), "queue drained by the nightly job") for s in range(-600, 900, 5)]
    found = only(report([*calm(), *job]), "vanished")

    assert found.subject == "queue drained by the nightly job"
    assert found.onset == START + timedelta(seconds=895)

    silent = report([*calm(end=900), *job]).findings
    assert [(f.kind, f.subject) for f in silent] == [("vanished", "log volume")]


def test_a_stray_line_does_not_move_the_onset() -> None:
    """One early hiccup is not where the incident began."""
    bad = [row(1200 + i, "peer said: Connection refused", level="error") for i in range(400)]
    found = only(report([*calm(), row(-300, "peer said: Connection refused", level="error"), *bad]), "signature")

    assert found.onset == START + timedelta(seconds=1200)


def test_a_surge_that_ends_is_told_with_its_end() -> None:
    """A pulse is measured over its own length."""
    bad = [row(600 + i / 4, "peer said: Connection refused", level="error") for i in range(240)]
    found = only(report([*calm(), *bad]), "signature")

    assert found.until == START + timedelta(seconds=659.75)
    assert found.after == pytest.approx(240, rel=0.2)


def test_what_was_over_before_the_window_is_not_told() -> None:
    """An incident of the calm stretch is another incident."""
    bad = [row(-400 + i / 4, "peer said: Connection refused", level="error") for i in range(240)]

    assert report([*calm(), *bad]).findings == ()


def test_one_bad_task_is_named() -> None:
    """Most lines from one of several tasks name it; a task that logs alone is not special."""
    bad = [row(900 + i, "peer said: Connection refused", task="t2", level="error") for i in range(60)]
    alone = [(*r[:2], "t2", *r[3:]) for r in calm()]

    assert only(report([*calm(), *bad]), "signature").task == "t2"
    assert only(report([*alone, *bad]), "signature").task == ""


def test_secrets_and_control_characters_stay_out() -> None:
    """Whatever is shown went through the redaction, and nothing can steer a terminal."""
    line = "login as eve@example.org failed \x1b[31m\u202e Connection refused"
    found = report(
        [*calm(), *(row(900 + i, line, level="error") for i in range(60))],
        redact=lambda text: text.replace("eve@example.org", "[email]"),
    )
    shown = json.dumps([str(f) for f in found.findings] + [str(t) for t in found.templates])

    assert "eve@" not in shown
    assert "[email]" in shown
    for finding in found.findings:
        for text in (finding.words, finding.example, finding.subject, finding.query):
            assert text.isprintable()


def test_queries_are_quoted() -> None:
    """A service's name and a line can end no LogQL string."""
    rows = [row(900 + i, 'broken "\\ {x="y"} | Connection refused', service='a"b\\', level="error") for i in range(60)]
    (found,) = [f for f in report([*calm(), *rows]).findings if f.kind == "signature"]

    assert found.query == '{service="a\\"b\\\\"} |= "Connection refused"'


def test_templates_are_listed_with_their_rates() -> None:
    """Changed templates come first; counts are those of the window."""
    bad = [row(900 + i, f"order {i} lost", level="error") for i in range(60)]
    found = report([*calm(), *bad]).templates

    assert [(t.template, t.change, t.count) for t in found] == [
        ("order # lost", "new", 60),
        ("GET /products 200 #", "steady", 1800),
    ]
    assert found[0].onset == START + timedelta(seconds=900)
    assert found[1].onset is None
    assert found[1].before == pytest.approx(60, rel=0.02)


def test_lines_of_a_service_that_fell_silent_are_not_steady() -> None:
    """They ended as all its lines did, at the rates that they had; that it fell silent stays one finding."""
    silent = [row(float(s), "order stored", service="orders") for s in range(-600, 900, 2)]
    silent += [row(float(s), "cache warmed", service="orders") for s in range(-600, 900, 60)]
    found = report([*calm(), *silent])
    told: dict[str, tuple[object, ...]]
    told = {t.template: (t.service, t.change, t.before, t.after, t.onset) for t in found.templates}

    assert [(f.service, f.kind, f.subject) for f in found.findings] == [("orders", "vanished", "log volume")]
    assert told == {
        "order stored": ("orders", "vanished", pytest.approx(30, rel=0.05), 0, START + timedelta(seconds=898)),
        "cache warmed": ("orders", "vanished", pytest.approx(1, rel=0.05), 0, START + timedelta(seconds=840)),
        "GET /products 200 #": ("shop", "steady", pytest.approx(60, rel=0.05), pytest.approx(60, rel=0.05), None),
    }


def test_what_ended_with_a_silence_stands_behind_what_changed_by_itself() -> None:
    """Many lines of a neighbour that fell silent do not push the few new errors out of a report."""
    silent = [row(float(s), "order stored", service="orders") for s in range(-600, 900)]
    bad = [row(900 + i, "payment refused", level="error") for i in range(30)]
    found = report([*calm(), *silent, *bad]).templates

    assert [(t.template, t.change) for t in found[:1]] == [("payment refused", "new")]
    assert {t.change for t in found if t.service == "orders"} == {"vanished"}


def test_weights_count() -> None:
    """A sampled line stands for several."""
    rows = [*calm(), *(row(900 + i, "Connection refused", level="error") for i in range(60))]
    times = [nanoseconds(START) + round(r[0] * SECOND) for r in rows]
    logs = Logs.of(times, *([r[i] for r in rows] for i in range(1, 5)), weight=[10.0] * len(rows))  # type: ignore[arg-type]
    (found,) = find_in_logs(logs, window=WINDOW, service="shop").findings

    assert found.count == 600


def test_others_are_limited() -> None:
    """Forty kinds of new lines are enough to read."""
    texts = words(np.random.default_rng(3), 90)
    bad = [row(900 + i / 90, texts[i % 90], level="error") for i in range(90 * 60)]
    found = report([*calm(), *bad])

    assert len(found.findings) == MOST_OTHERS


def test_calm_logs_have_no_findings() -> None:
    """Of twenty calm windows with three hundred templates at steady rates at most one is alarmed."""
    alarmed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        texts = words(rng, 300)
        levels = rng.choice(["info", "warn", "error"], 300, p=[0.8, 0.1, 0.1])
        counts = rng.poisson(rng.lognormal(2, 1.5, 300))
        which = np.repeat(np.arange(300), counts)
        seconds = rng.uniform(-600, 1800, len(which))
        found = report(row(float(s), texts[k], level=str(levels[k])) for s, k in zip(seconds, which, strict=True))
        alarmed += bool(found.findings)

    assert alarmed <= 1


@pytest.mark.parametrize("seed", range(10))
def test_the_split_finds_a_planted_onset(seed: int) -> None:
    """Five times the rate from a random bin on is found within two bins."""
    rng = np.random.default_rng(seed)
    onset = int(rng.integers(60, 400))
    counts = rng.poisson(np.where(np.arange(480) < onset, 4.0, 20.0)).astype(float)[:, None]
    (shift,) = find_shifts(counts, np.full_like(counts, 50.0), [Bar(1e-4, 0.95, 3, 3.0, 8.0)])

    assert shift.change == "surged"
    assert abs(shift.first - onset) <= 2
    assert shift.after / shift.before == pytest.approx(5, rel=0.2)


def test_bursts_are_no_surge() -> None:
    """A job that says fifty lines every ten minutes is steady, wherever the window cuts it."""
    job = [row(s + i / 50, "row copied by the job") for s in range(-500, 1800, 600) for i in range(50)]

    assert report([*calm(), *job]).findings == ()


def test_a_broken_clock_does_not_spoil_the_rest() -> None:
    """Lines from 1970 and from the far future are left out."""
    bad = [row(900 + i, "Connection refused", level="error") for i in range(60)]
    broken = [row(-1_700_000_000, "old"), row(400_000_000, "new")]

    assert report([*broken, *calm(), *bad]).findings == report([*calm(), *bad]).findings


@given(
    st.lists(
        st.tuples(
            st.floats(-700, 1900),
            st.sampled_from(["shop", "", 'x"']),
            st.sampled_from(["", "t1", "t2"]),
            st.sampled_from(["", "info", "error", "odd"]),
            st.one_of(
                st.text(max_size=30),
                st.sampled_from(["Traceback (most recent call last):", "  at x", "E: y", "Caused by: z"]),
            ),
        ),
        max_size=40,
    )
)
@settings(deadline=None)
def test_any_lines_can_be_looked_at(rows: list[Row]) -> None:
    """No line, level or name breaks the stage, and each finding lies in time."""
    for finding in report(rows).findings:
        assert finding.onset <= WINDOW.end
        assert finding.until is None or finding.onset <= finding.until
        assert len(finding.example) <= 300


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["write failed, errno 11"], "write failed, errno 28"),
        (["query failed (SQLSTATE 40001)"], "query failed (SQLSTATE 53300)"),
        (["ORA-00060: statement failed"], "ORA-00942: statement failed"),
        (["connection to cache.shop.internal refused"], "connection to db.shop.internal refused"),
        (
            [f"cannot open /var/tmp/{name}.part: Permission denied" for name in ("ab", "cd", "ef", "gh", "ij")],
            "cannot open /etc/tls/server.key: Permission denied",
        ),
        (
            [f"cannot open /var/tmp/up/{a}{b}.part: Permission denied" for a in "wxyz" for b in "klmnop"],
            "cannot open /etc/tls/key/server.key: Permission denied",
        ),
        (
            [f'relation "{name}" does not exist' for name in ("carts", "users", "items", "stock", "prices")],
            'relation "orders" does not exist',
        ),
        (
            [
                f"job failed: org.example.{name}Exception raised"
                for name in ("Lock", "Parse", "Retry", "Stale", "Range")
            ],
            "job failed: org.example.DiskFullException raised",
        ),
        (["job failed: KeyError raised", "job failed: ValueError raised"], "job failed: MemoryError raised"),
    ],
)
def test_an_error_of_another_kind_is_new(old: list[str], new: str) -> None:
    """Another code, host, path, table or class is another error, however often its like was seen."""
    usual = [row(-590 + 40.0 * i, old[i % len(old)], level="error") for i in range(60)]
    found = report([*calm(), *usual, *(row(1200 + i, new, level="error") for i in range(30))])

    assert [(t.example, t.count) for t in found.templates if t.change == "new"] == [(new, 30)]
    assert [f.example for f in found.findings] == [new]  # a finding of its own, or of its known wording


def test_a_known_wording_of_every_day_hides_no_new_error() -> None:
    """Where one peer is refused all day, another one that is refused now is news."""
    usual = [row(float(s), "upstream cache.example.com: Connection refused", level="error") for s in range(-600, 1800)]
    new = "upstream db.example.com: Connection refused"
    found = report([*calm(), *usual, *(row(1200 + i, new, level="error") for i in range(30))])

    assert [(f.kind, f.example, f.count) for f in found.findings] == [("new_template", new, 30)]


def test_columns_are_bounded_and_errors_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """More templates of more services than can be counted cost no new error its column."""
    monkeypatch.setattr(stage, "_MOST_COLUMNS", 20)
    texts = words(np.random.default_rng(5), 60)
    chatter = [row(s + 0.5, texts[s % 60], service=f"s{s % 7}") for s in range(-600, 1800)]
    found = report([*calm(), *chatter, *(row(1200 + i, "disk is gone", level="error") for i in range(30))])

    assert [f.subject for f in found.findings] == ["disk is gone"]
    assert len(found.templates) == 20
