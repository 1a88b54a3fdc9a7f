"""Log lines -> templates -> which are new, which surged, which known wording they are.

Records (a line with its stack trace) become a matrix of counts, bins by columns. A column is a
template, a signature, a class of HTTP status or a service's volume. What changed is found for
all columns at once, by the split that two Poisson processes explain best.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow.compute as pc

from obskit.incident.signatures import is_sure
from obskit.incident.templates import MASK, Records
from obskit.incident.templates import records as read_records
from obskit.model import Finding, Logs, LogTemplate, Window, nanoseconds, utc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Findings that are no known wording, and templates: more than these nobody reads.
MOST_OTHERS: Final = 40
MOST_TEMPLATES: Final = 200
#: A surge is at least this many times the rate before; less happens on calm days.
SURGE_RATIO: Final = 3.0
#: What must remain of it when more traffic is allowed for.
RELATIVE_RATIO: Final = 2.0
#: A column has vanished when it came this often before and never again.
VANISHED_LINES: Final = 20
#: 5 s up to an hour, as the scrape interval is seldom finer; never more bins than that.
_BIN_NS: Final = 5_000_000_000
_MOST_BINS: Final = 720
_MOST_COLUMNS: Final = 4000
_LONGEST_EXAMPLE: Final = 300
_KINDS: Final = ("template", "signature", "access", "volume")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_ACCESS: Final = re.compile(r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S.*?[ =\"]([45])\d\d(?![\w.])")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What the logs say.

    Attributes:
        findings: Signatures first, then other changes; the largest first.
        templates: Changed templates first, then steady ones; the most frequent first.
    """

    findings: tuple[Finding, ...]
    templates: tuple[LogTemplate, ...]


def find_in_logs(
    logs: Logs, *, window: Window, service: str, redact: Callable[[str], str] = lambda text: text
) -> LogReport:
    """Find which kinds of log lines are new, surged or vanished.

    Args:
        logs: Lines of the window, and of the calm stretch before it as far as there are any.
        window: The analysed window; the incident may begin anywhere in it.
        service: The service under investigation; its findings come first among equals.
        redact: Takes secrets out of what is shown.

    Returns:
        Findings of all services that logged, and the templates with their rates.
    """
    table = logs.table.filter(pc.less_equal(logs.table["time_ns"], nanoseconds(window.end)))
    if not table.num_rows:
        return LogReport(findings=(), templates=())
    records = read_records(table)
    columns, of_record = _columns(records)
    start = min(int(records.time_ns[0]), nanoseconds(window.start))
    bin_ns = max(_BIN_NS, -(-(nanoseconds(window.end) - start) // _MOST_BINS))
    bins = (records.time_ns - start) // bin_ns
    counts = np.zeros(((nanoseconds(window.end) - start) // bin_ns + 1, len(columns)))
    for owner in of_record:
        np.add.at(counts, (bins[owner >= 0], owner[owner >= 0]), records.weight[owner >= 0])
    home = {c.service: i for i, c in enumerate(columns) if c.kind == "volume"}
    volume = counts[:, [home[c.service] for c in columns]]
    shifts = find_shifts(counts, volume, [c.bar for c in columns])
    teller = _Teller(records, columns, of_record, shifts, (start, bin_ns), redact)
    shown = [
        i for i, s in enumerate(shifts) if s.change != "steady" and start + s.last * bin_ns > nanoseconds(window.start)
    ]
    known = [teller.finding(i) for i in shown if columns[i].kind == "signature"]
    others = [teller.finding(i) for i in shown if columns[i].kind != "signature" and not columns[i].covered]
    return LogReport(
        findings=(*_largest(known, service), *_largest(others, service)[:MOST_OTHERS]), templates=teller.templates()
    )


def _largest(findings: list[Finding], service: str) -> list[Finding]:
    return sorted(findings, key=lambda f: (-abs(f.score) - (f.service == service), f.onset, f.service, f.subject))


# -- records to columns -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """What a column must show to count as changed.

    Attributes:
        chance: New: how likely it may be that all its lines came so late by chance.
        share: New: how much of the time it may have been there.
        lines: New: how many lines it needs at least.
        surprise: Surged: log-likelihood ratio in nats, to be exceeded.
    """

    chance: float
    share: float
    lines: float
    surprise: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column of counts of a kind of `_KINDS`: ``subject`` is a template, a signature, ``access 5xx`` or ``log volume``."""

    kind: str
    service: int
    subject: str
    bar: Bar
    covered: bool = False
    template: int = -1


def _columns(records: Records) -> tuple[list[_Column], list[Ints]]:
    """Return all columns, and for each of their four kinds the column of every record (or -1)."""
    bad = np.array([level in ("error", "fatal") for level in records.levels])
    access = [f"access {found[1]}xx" if (found := _ACCESS.search(name)) else "" for name in records.names]
    common = np.argsort(np.argsort(-np.bincount(records.template, minlength=len(bad)), kind="stable")) < _MOST_COLUMNS
    calm = np.array([level != "warn" for level in records.levels]) & ~bad
    # What a service says on a calm day measures its traffic; where it says nothing then, all counts.
    talks = np.isin(records.service, records.service[calm[records.template]])
    subjects = {
        "template": np.where(common, np.arange(len(bad)), -1)[records.template],
        "signature": _known(records.signatures)[records.template],
        "access": _known(access)[records.template],
        "volume": np.where(calm[records.template] | ~talks, 0, -1),
    }
    columns: list[_Column] = []
    of_record = []
    for kind, subject in subjects.items():
        pairs, first, owner = np.unique(
            np.where(subject < 0, -1, subject * len(records.services) + records.service),
            return_index=True,
            return_inverse=True,
        )
        absent = int(len(pairs) > 0 and pairs[0] < 0)
        of_record.append(np.where(owner < absent, -1, owner - absent + len(columns)))
        for record in first[absent:].tolist():
            template = int(records.template[record])
            signature, status = records.signatures[template], access[template]
            name = {"template": records.names[template], "signature": signature, "access": status}.get(
                kind, "log volume"
            )
            columns.append(
                _Column(
                    kind=kind,
                    service=int(records.service[record]),
                    subject=name,
                    template=template,
                    covered=kind == "template" and bool(signature or status),
                    bar=_bar(
                        kind, signature, peers=int(bad.sum() if bad[template] else len(bad)), bad=bool(bad[template])
                    ),
                )
            )
    return columns, of_record


def _known(names: Sequence[str]) -> Ints:
    """Return a number for each name, equal for equal ones, and -1 for ""."""
    _, codes = np.unique(np.array(names), return_inverse=True)
    return np.where(np.array([bool(name) for name in names]), codes, -1)


def _bar(kind: str, signature: str, *, peers: int, bad: bool) -> Bar:
    """Return what a column must show: many peers give chance many occasions, a known wording few."""
    if kind == "signature":
        return Bar(1.0, 0.75, 1, 2.0) if is_sure(signature) else Bar(0.05, 0.9, 2, 2.0)
    if kind != "template":
        return Bar(1e-3, 0.95, 3, 6.0)
    if bad:
        return Bar(min(0.01, 0.02 / peers), 0.95, 1, 3.0 + float(np.log(peers)))
    return Bar(0.01 / peers, 0.95, 3, 3.0 + float(np.log(peers)))


# -- counts to shifts -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shift:
    """How one column of counts changed.

    Attributes:
        change: ``new``, ``surged``, ``vanished`` or ``steady``.
        first, last: Bins of the changed stretch, ``last`` exclusive.
        before, after: Lines a bin before the stretch and in it.
    """

    change: Literal["new", "surged", "vanished", "steady"]
    first: int
    last: int
    before: float
    after: float


def find_shifts(counts: Floats, volume: Floats, bars: Sequence[Bar]) -> list[Shift]:
    """Find how each column of counts changed, if at all.

    Args:
        counts: Shape (bins, columns): lines in each bin.
        volume: The same shape: what a bin's traffic was; a rise in step with it is no surge.
        bars: What each column must show.

    Returns:
        One shift a column.
    """
    bins = len(counts)
    totals = np.vstack((np.zeros(counts.shape[1]), np.cumsum(counts, axis=0)))
    gain = _gain(totals[1:-1], totals[-1], np.arange(1.0, bins)[:, None], bins).max(axis=0, initial=0.0)
    shifts = []
    for i, bar in enumerate(bars):
        column, traffic = counts[:, i], volume[:, i]
        steady = Shift("steady", 0, bins, float(column.mean()), float(column.mean()))
        # Whatever is new or has vanished splits well, too: the rest is left alone unseen.
        may = gain[i] > min(bar.surprise, 2.0) or bar.chance == 1 or column[-1] == 0
        shifts.append(
            (_new(column, traffic, bar) or _surged(column, traffic, bar) or _vanished(column, traffic, bar) or steady)
            if may
            else steady
        )
    return shifts


def _gain(before: Floats, total: Floats, at: Floats, end: float) -> Floats:
    """Return by how much two rates explain counts better than one, in nats; 0 where the rate falls."""
    after, left = total - before, end - at
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(n > 0, n * np.log(n / e), 0.0) for n, e in ((before, at), (after, left), (total, end))]
        return np.where(after * at > before * left, parts[0] + parts[1] - parts[2], 0.0)


def _split(column: Floats) -> tuple[int, float]:
    """Return the bin from which on the rate is higher, and what that split gains."""
    totals = np.cumsum(column)
    if len(column) < 2 or totals[-1] <= 0:
        return 0, 0.0
    gains = _gain(totals[:-1], totals[-1], np.arange(1.0, len(column)), float(len(column)))
    return int(np.argmax(gains)) + 1, float(gains.max())


def _effective(column: Floats) -> float:
    """Return how many independent lines a column is worth: a burst in one bin is one occasion."""
    return float((1 + np.log(np.maximum(column[column > 0], 1))).sum())


def _until(column: Floats, first: int, surprise: float) -> int:
    """Return the bin from which on a change is over."""
    fall, gain = _split(column[first:][::-1])
    last = len(column) - fall
    quiet = column[last:].mean() if fall else np.inf
    lasted = column[first:last]
    burst = max(lasted.sum() / max(_effective(lasted), 1.0), 1.0) if len(lasted) else 1.0
    return last if fall and gain / burst > surprise and quiet * SURGE_RATIO <= lasted.mean() else len(column)


def _new(column: Floats, traffic: Floats, bar: Bar) -> Shift | None:
    first = int(np.argmax(column > 0))
    if not first or column.sum() < bar.lines:
        return None
    share = 1 - first / len(column)
    if traffic[:first].sum() >= VANISHED_LINES:
        share = max(share, float(traffic[first:].sum() / traffic.sum()))
    if share > bar.share or share ** _effective(column) > bar.chance:
        return None
    last = _until(column, first, bar.surprise + float(np.log(len(column))))
    return Shift("new", first, last, 0.0, float(column[first:last].mean()))


def _surged(column: Floats, traffic: Floats, bar: Bar) -> Shift | None:
    surprise = bar.surprise + float(np.log(len(column)))
    first, gain = _split(column)
    if gain <= surprise:
        return None
    last = _until(column, first, surprise)
    first, gain = _split(column[:last])
    before, after = column[:first], column[first:last]
    if not first or after.sum() < bar.lines:
        return None
    spread = before.var() / before.mean() if before.sum() >= VANISHED_LINES else column.sum() / _effective(column)
    if gain / max(spread, 1.0) <= surprise or after.mean() < SURGE_RATIO * before.mean():
        return None
    calm, busy = float(traffic[:first].sum()), float(traffic[first:last].sum())
    if calm >= VANISHED_LINES and after.sum() * calm < RELATIVE_RATIO * before.sum() * busy:
        return None
    return Shift("surged" if before.any() else "new", first, last, float(before.mean()), float(after.mean()))


def _vanished(column: Floats, traffic: Floats, bar: Bar) -> Shift | None:
    present = np.flatnonzero(column)
    first = int(present[-1]) + 1
    # Only what was there all along can be missed, and only while its service still speaks.
    if column.sum() < VANISHED_LINES or present[0] > len(column) / 4 or traffic[first:].sum() < VANISHED_LINES:
        return None
    worth, surprise = _effective(column), bar.surprise + float(np.log(len(column)))
    expected = min((len(column) - first) / first, float(traffic[first:].sum() / max(traffic[:first].sum(), 1.0)))
    if worth * expected < surprise or column[: first // 2].sum() < VANISHED_LINES / 4:
        return None
    return Shift("vanished", first, len(column), float(column[:first].mean()), 0.0)


# -- shifts to words --------------------------------------------------------------------------


class _Teller:
    """Puts shifts into words."""

    def __init__(
        self,
        records: Records,
        columns: Sequence[_Column],
        of_record: Sequence[Ints],
        shifts: Sequence[Shift],
        grid: tuple[int, int],
        redact: Callable[[str], str],
    ) -> None:
        self.records, self.columns, self.of_record, self.shifts = records, columns, of_record, shifts
        self.start, self.bin_ns = grid
        self.redact = redact

    def finding(self, i: int) -> Finding:
        """Return what a changed column shows."""
        records, column, shift = self.records, self.columns[i], self.shifts[i]
        at = self._changed(i)
        ids, counts = np.unique(records.template[at], return_counts=True)
        template = int(ids[np.argmax(counts)])
        before, after = (rate * 60e9 / self.bin_ns for rate in (shift.before, shift.after))
        kinds = {"new": "new_template", "surged": "surge", "vanished": "vanished"}
        gone = shift.change == "vanished"
        title = "log volume" if column.kind == "volume" else self._quoted(template)
        if column.kind == "access":
            title = f"responses {column.subject[-3:]}"
        return Finding(
            kind="signature" if column.kind == "signature" else kinds[shift.change],
            pillar="logs",
            subject=column.subject if column.kind != "template" else self._clean(column.subject, 200),
            service=records.services[column.service],
            task="" if gone else self._task(i, at),
            onset=utc(int(records.time_ns[at[-1 if gone else 0]])),
            until=utc(int(records.time_ns[at[-1]])) if shift.last < self.bins and not gone else None,
            before=before,
            after=after,
            count=0 if gone else round(float(records.weight[at].sum())),
            score=float(np.clip(np.log2((after + 0.1) / (before + 0.1)), -10, 10)),
            words=f"{title} {_rate(before)} -> {_rate(after)} lines a minute",
            example=self._example(int(at[np.argmax(records.template[at] == template)])),
            query=self._query(column, template),
        )

    @property
    def bins(self) -> int:
        """How many bins the grid has."""
        return max(s.last for s in self.shifts)

    def _changed(self, i: int) -> Ints:
        """Return the records of a column's changed stretch; of a vanished one, those before it."""
        column, shift = self.columns[i], self.shifts[i]
        owner = self.of_record[_KINDS.index(column.kind)]
        at = np.flatnonzero(owner == i)
        first, last = (0, shift.first) if shift.change == "vanished" else (shift.first, shift.last)
        bins = (self.records.time_ns[at] - self.start) // self.bin_ns
        return at[(bins >= first) & (bins < last)]

    def _task(self, i: int, at: Ints) -> str:
        """Return the one of several tasks that writes more than 80 % of these lines, or ""."""
        records = self.records
        mine = np.bincount(records.task[at], weights=records.weight[at])
        since = records.time_ns >= records.time_ns[at[0]]
        all_of = records.task[(records.service == self.columns[i].service) & since]
        share = np.bincount(all_of, minlength=len(mine)) / len(all_of)
        top = int(np.argmax(mine))
        # A task that writes most of everything is not special for writing most of this.
        if len(at) < 5 or len(np.unique(all_of)) < 2 or mine[top] <= 0.8 * mine.sum() or share[top] > 0.8:
            return ""
        return records.tasks[top]

    def _clean(self, text: str, longest: int) -> str:
        text = " ".join(_CONTROL.sub(" ", self.redact(text)).split())
        return text if len(text) <= longest else text[: longest - 1] + "…"

    def _quoted(self, template: int) -> str:
        name, logger = self.records.names[template], self.records.examples[template].logger
        text = self._clean(name.removeprefix(f"{logger}: "), 90)
        return f'{self._clean(logger, 40)}: "{text}"' if logger and name.startswith(f"{logger}: ") else f'"{text}"'

    def _example(self, record: int) -> str:
        rows = [r for r in (self.records.row[record], self.records.final[record]) if r >= 0]
        text = " | ".join(self.records.lines[int(r)].as_py() for r in rows)
        if len(text) > _LONGEST_EXAMPLE:
            text = self.records.examples[int(self.records.template[record])].words
        return self._clean(text, _LONGEST_EXAMPLE)

    def _query(self, column: _Column, template: int) -> str:
        """Return LogQL for the lines: the longest piece that every one of them holds as it is."""
        service = _logql(self.records.services[column.service])
        name = self.records.names[template].removeprefix(f"{self.records.examples[template].logger}: ")
        pieces = re.split(rf"[{MASK}\"\\\\]| \| | status=\d+$|{_CONTROL.pattern}", name)
        pieces = [p.strip() for p in pieces if p.strip() and self.redact(p) == p]
        longest = max(pieces, key=len, default="")
        return f"{{service={service}}}" + (
            f" |= {_logql(longest[:120])}" if longest and column.kind != "volume" else ""
        )

    def templates(self) -> tuple[LogTemplate, ...]:
        """Return the templates with their rates, changed ones first."""
        records = self.records
        per_minute = 60e9 / self.bin_ns
        counts = np.bincount(self.of_record[0] + 1, weights=records.weight, minlength=len(self.columns) + 1)[1:]
        shown = [i for i, c in enumerate(self.columns) if c.kind == "template"]
        shown.sort(key=lambda i: (self.shifts[i].change == "steady", -counts[i], self.columns[i].subject))
        found = []
        for i in shown[:MOST_TEMPLATES]:
            column, shift = self.columns[i], self.shifts[i]
            at = self._changed(i)
            changed = shift.change != "steady"
            found.append(
                LogTemplate(
                    template=self._clean(column.subject, _LONGEST_EXAMPLE),
                    service=records.services[column.service],
                    level=records.levels[column.template],
                    change=shift.change,
                    before=shift.before * per_minute,
                    after=shift.after * per_minute,
                    count=round(float(counts[i])),
                    signature=records.signatures[column.template],
                    example=self._example(int(at[0])),
                    onset=utc(int(records.time_ns[at[-1 if shift.change == "vanished" else 0]])) if changed else None,
                )
            )
        return tuple(found)


def _logql(text: str) -> str:
    """Return a text as a LogQL string."""
    return orjson.dumps(_CONTROL.sub("", text)).decode()


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.2g}"
