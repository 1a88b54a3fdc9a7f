"""Log lines -> templates -> which are new, which surged, which known wording they are.

Records (a line with its stack trace) become counts, bins by columns: a template, a signature, a
class of HTTP status or a service's volume. Changes are the splits that two Poisson rates explain best.
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

from obskit.incident.masking import MASK
from obskit.incident.signatures import is_sure
from obskit.incident.templates import Records, read_records
from obskit.model import LOG_VOLUME, Finding, Logs, LogTemplate, Window, nanoseconds, utc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Findings that are no known wording, and templates: more than these nobody reads.
MOST_OTHERS, MOST_TEMPLATES = 40, 200
#: A surge is at least this many times the rate before (less happens on calm days); twice when all
#: lines of a service are meant, and when more traffic is allowed for.
SURGE_RATIO, RELATIVE_RATIO = 3.0, 2.0
#: A column has vanished when it came this often before and never again.
VANISHED_LINES: Final = 20
#: 5 s up to an hour; never more bins than that.
_BIN_NS: Final = 5_000_000_000
_MOST_BINS: Final = 720
_MOST_COLUMNS: Final = 4000
_LONGEST_TEXT: Final = 300
_KINDS: Final = ("template", "signature", "access", "volume")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_ACCESS: Final = re.compile(
    r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S.*?[ =\"]([2-5])\d\d(?![\w.])|\bstatus[=: \"]+([2-5])\d\d(?![\w.])"
)


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
    whole, begin, end = nanoseconds(window.with_baseline().start), nanoseconds(window.start), nanoseconds(window.end)
    table = logs.table.filter((pc.field("time_ns") >= whole) & (pc.field("time_ns") <= end))
    if not table.num_rows:
        return LogReport(findings=(), templates=())
    records = read_records(table)
    columns, of_record = _columns(records)
    start = min(int(records.time_ns[0]), begin)
    bin_ns = max(_BIN_NS, -(-(end - start) // _MOST_BINS))
    bins = (records.time_ns - start) // bin_ns
    counts = np.zeros(((end - start) // bin_ns + 1, len(columns)))
    for owner in of_record:
        np.add.at(counts, (bins[owner >= 0], owner[owner >= 0]), records.weight[owner >= 0])
    home = {c.service: i for i, c in enumerate(columns) if c.kind == "volume"}
    volume = counts[:, [home[c.service] for c in columns]]
    volume[:, list(home.values())] = VANISHED_LINES  # a service's volume is compared with time alone
    shifts = find_shifts(counts, volume, [c.bar for c in columns])
    teller = _Teller(records, columns, of_record, shifts, (start, bin_ns, len(counts)), redact)
    news = [start + s.last * bin_ns > begin and _is_news(c, s) for c, s in zip(columns, shifts, strict=True)]
    found = [teller.finding(i) for i in np.flatnonzero(news).tolist()]
    found.sort(key=lambda f: (-abs(f.score) - (f.service == service), f.onset, f.service, f.subject))
    known = [f for f in found if f.kind == "signature"]
    others = [f for f in found if f.kind != "signature"][:MOST_OTHERS]
    return LogReport(findings=(*known, *others), templates=teller.templates(begin))


def _is_news(column: _Column, shift: Shift) -> bool:
    if column.kind == "volume":  # of next to nothing, anything is a surge
        return shift.change != "steady" and shift.before * shift.first >= VANISHED_LINES
    return shift.change in ("new", "surged") + ("vanished",) * (column.kind != "signature") and not column.covered


@dataclass(frozen=True, slots=True)
class Bar:
    """What a column must show to count as changed."""

    chance: float  #: New: how likely it may be that all its lines came so late by chance.
    share: float  #: New: the share of the time that it may have been there.
    lines: float  #: New or surged: how many lines it needs at least.
    ratio: float  #: Surged: how many times the rate before.
    surprise: float  #: Surged: nats that two rates must explain better than one.


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of counts: ``subject`` is a template, a signature, ``access 5xx`` or `LOG_VOLUME`."""

    kind: str
    service: int
    template: int
    subject: str
    covered: bool
    bar: Bar


def _columns(records: Records) -> tuple[list[_Column], list[Ints]]:
    """Return all columns, and for each of `_KINDS` the column of every record (or -1)."""
    bad = np.array([level in ("error", "fatal") for level in records.levels])
    status = [next(filter(None, m.groups())) if (m := _ACCESS.search(name)) else "" for name in records.names]
    access = [f"access {digit}xx" if digit else "" for digit in status]
    common = np.argsort(np.argsort(-np.bincount(records.template, minlength=len(bad)), kind="stable")) < _MOST_COLUMNS
    calm = np.array([level != "warn" for level in records.levels]) & ~bad
    # What a service says on a calm day measures its traffic; where it says nothing then, all counts.
    talks = np.isin(records.service, records.service[calm[records.template]])
    subjects = (
        np.where(common, np.arange(len(bad)), -1)[records.template],
        _known(records.signatures)[records.template],
        _known(access)[records.template],
        np.where(calm[records.template] | ~talks, 0, -1),
    )
    columns, of_record = list[_Column](), list[Ints]()
    for kind, subject in zip(_KINDS, subjects, strict=True):
        pair = np.where(subject < 0, -1, subject * len(records.services) + records.service)
        pairs, first, owner = np.unique(pair, return_index=True, return_inverse=True)
        absent = int(pairs[0] < 0)
        of_record.append(np.where(owner < absent, -1, owner - absent + len(columns)))
        for record in first[absent:].tolist():
            t = int(records.template[record])
            known, responses = records.signatures[t], access[t]
            name = dict(zip(_KINDS, (records.names[t], known, responses, LOG_VOLUME), strict=True))[kind]
            bar = _bar(kind, known, peers=int(bad.sum() if bad[t] else len(bad)), bad=bool(bad[t]))
            covered = kind == "template" and bool(known or responses)
            columns.append(_Column(kind, int(records.service[record]), t, name, covered, bar))
    return columns, of_record


def _known(names: Sequence[str]) -> Ints:
    """Return a number for each name, equal for equal ones, and -1 for ""."""
    _, codes = np.unique(np.array(names), return_inverse=True)
    return np.where(np.array([bool(name) for name in names]), codes, -1)


def _bar(kind: str, signature: str, *, peers: int, bad: bool) -> Bar:
    """Return what a column must show: many peers give chance many occasions, a known wording few."""
    if kind == "signature":
        return Bar(1.0, 0.75, 1, SURGE_RATIO, 2.0) if is_sure(signature) else Bar(0.05, 0.9, 2, SURGE_RATIO, 2.0)
    if kind != "template":
        return Bar(1e-3, 0.95, 3, RELATIVE_RATIO if kind == "volume" else SURGE_RATIO, 6.0)
    if bad:
        return Bar(min(0.01, 0.02 / peers), 0.95, 1, SURGE_RATIO, 3.0 + float(np.log(peers)))
    return Bar(0.01 / peers, 0.95, 3, SURGE_RATIO, 3.0 + float(np.log(peers)))


@dataclass(frozen=True, slots=True)
class Shift:
    """How one column of counts changed: between which bins, and lines a bin before and meanwhile."""

    change: Literal["new", "surged", "vanished", "steady"]
    first: int
    last: int  #: Exclusive.
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
    totals = np.cumsum(counts, axis=0)
    gain = _gain(totals[:-1], totals[-1], np.arange(1.0, bins)[:, None], bins).max(axis=0, initial=0.0)
    # A column that is there all the time and gains little by any split need not be looked at.
    look = (gain > 2.0) | (counts[0] == 0) | (counts[-1] == 0)
    means = counts.mean(axis=0)
    shifts = []
    for i, bar in enumerate(bars):
        seen = (counts[:, i], volume[:, i], bar)
        shift = (_surged(*seen) or _new(*seen) or _vanished(*seen)) if look[i] else None
        shifts.append(shift or Shift("steady", 0, bins, float(means[i]), float(means[i])))
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
    """Return the bin from which on a change is over: calm again, and for long enough to be no chance."""
    fall, gain = _split(column[first:][::-1])
    last = len(column) - fall
    lasted = column[first:last]
    burst = max(lasted.sum() / max(_effective(lasted), 1.0), 1.0)
    calm = SURGE_RATIO * column[:first].sum() / max(first, 1)
    return last if fall and gain / burst > surprise and column[last:].mean() <= calm else len(column)


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
    while first > 1 and column[first - 1] and np.count_nonzero(column[:first]) * 5 < first:
        first -= 1
    # A slow start is a part of it, a stray line long before is not: the first lines must be news by themselves.
    start = _new(column[:first], traffic[:first], bar) if first else None
    first = start.first if start else first
    before, after = column[:first], column[first:last]
    if not first or after.sum() < bar.lines:
        return None
    spread = before.var() / before.mean() if before.sum() >= VANISHED_LINES else column.sum() / _effective(column)
    calm, busy = float(traffic[:first].sum()), float(traffic[first:last].sum())
    with_traffic = calm >= VANISHED_LINES and after.sum() * calm < RELATIVE_RATIO * before.sum() * busy
    if with_traffic or gain / max(spread, 1.0) <= surprise or after.mean() < bar.ratio * before.mean():
        return None
    return Shift("surged" if before.any() else "new", first, last, float(before.mean()), float(after.mean()))


def _vanished(column: Floats, traffic: Floats, bar: Bar) -> Shift | None:
    present = np.flatnonzero(column)
    first = int(present[-1]) + 1
    enough = min(column.sum(), traffic[first:].sum(), 4 * column[: first // 2].sum()) >= VANISHED_LINES
    missed = min((len(column) - first) / first, float(traffic[first:].sum() / max(traffic[:first].sum(), 1.0)))
    surprising = missed * _effective(column) >= bar.surprise + np.log(len(column))
    # Only what was there all along can be missed, and only while its service still speaks.
    whole = present[0] <= len(column) / 4
    return (
        Shift("vanished", first, len(column), float(column[:first].mean()), 0.0)
        if enough and surprising and whole
        else None
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    """Puts shifts into words."""

    records: Records
    columns: Sequence[_Column]
    of_record: Sequence[Ints]
    shifts: Sequence[Shift]
    grid: tuple[int, int, int]
    redact: Callable[[str], str]

    def finding(self, i: int) -> Finding:
        """Return what a changed column shows."""
        records, column, shift = self.records, self.columns[i], self.shifts[i]
        at = self._changed(i)
        template = int(np.bincount(records.template[at]).argmax())
        before, after = (rate * 60e9 / self.grid[1] for rate in (shift.before, shift.after))
        low, high = (f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}" for rate in (before, after))
        kind = {"new": "new_template", "surged": "surge"}.get(shift.change, "vanished")
        gone = shift.change == "vanished"
        title = column.subject if column.kind in ("access", "volume") else self._quoted(template)
        return Finding(
            kind="signature" if column.kind == "signature" else kind,
            pillar="logs",
            subject=column.subject if column.kind != "template" else self._clean(column.subject, 200),
            service=records.services[column.service],
            task="" if gone else self._task(i, at),
            onset=utc(int(records.time_ns[at[-1 if gone else 0]])),
            until=utc(int(records.time_ns[at[-1]])) if shift.last < self.grid[2] and not gone else None,
            before=before,
            after=after,
            count=0 if gone else round(float(records.weight[at].sum())),
            score=float(np.clip(np.log2((after + 0.1) / (before + 0.1)), -10, 10)),
            words=f"{title} {low} -> {high} lines a minute",
            example=self._clean(records.examples[template].words, _LONGEST_TEXT),
            query=self._query(column, template),
        )

    def _changed(self, i: int) -> Ints:
        """Return the records of a column's changed stretch; of a vanished one, those before it."""
        column, shift = self.columns[i], self.shifts[i]
        owner = self.of_record[_KINDS.index(column.kind)]
        at = np.flatnonzero(owner == i)
        first, last = (0, shift.first) if shift.change == "vanished" else (shift.first, shift.last)
        bins = (self.records.time_ns[at] - self.grid[0]) // self.grid[1]
        return at[(bins >= first) & (bins < last)]

    def _task(self, i: int, at: Ints) -> str:
        """Return the one of several tasks that writes more than 80 % of these lines, or ""."""
        records, n = self.records, len(self.records.tasks)
        since = (records.time_ns >= records.time_ns[at[0]]) & (records.service == self.columns[i].service)
        mine = np.bincount(records.task[at], weights=records.weight[at], minlength=n)
        alls = np.bincount(records.task[since], weights=records.weight[since], minlength=n)
        top = int(np.argmax(mine))
        alone = len(at) >= 5 and np.count_nonzero(alls) > 1 and mine[top] > 0.8 * mine.sum()
        return records.tasks[top] if alone and alls[top] <= 0.8 * alls.sum() else ""

    def _clean(self, text: str, longest: int) -> str:
        text = " ".join(_CONTROL.sub(" ", self.redact(text)).split())
        return text if len(text) <= longest else text[: longest - 1] + "…"

    def _quoted(self, template: int) -> str:
        name, logger = self.records.names[template], self.records.examples[template].logger
        text = self._clean(name.removeprefix(f"{logger}: "), 90)
        return f'{self._clean(logger, 40)}: "{text}"' if logger and name.startswith(f"{logger}: ") else f'"{text}"'

    def _query(self, column: _Column, template: int) -> str:
        """Return LogQL for the lines: the longest piece that every one of them holds as it is."""
        service = _logql(self.records.services[column.service])
        name = self.records.names[template].removeprefix(f"{self.records.examples[template].logger}: ")
        shown = self.redact(name)
        pieces = [p.strip() for p in re.split(rf"[{MASK}\"\\\\]| \| | status=\d+$|{_CONTROL.pattern}", name)]
        longest = max((p for p in pieces if p and p in shown and self.redact(p) == p), key=len, default="")
        line = f" |= {_logql(longest[:120])}" if longest and column.kind != "volume" else ""
        return f"{{service={service}}}{line}"

    def templates(self, since: int) -> tuple[LogTemplate, ...]:
        """Return the templates with their rates, changed ones first."""
        records, per_minute = self.records, 60e9 / self.grid[1]
        weight = np.where(records.time_ns >= since, records.weight, 0.0)
        counts = np.bincount(self.of_record[0] + 1, weights=weight, minlength=len(self.columns) + 1)[1:]
        order = [i for i, c in enumerate(self.columns) if c.kind == "template"]
        order.sort(key=lambda i: (self.shifts[i].change == "steady", -counts[i], self.columns[i].subject))
        found = []
        for i in order[:MOST_TEMPLATES]:
            column, shift = self.columns[i], self.shifts[i]
            onset = utc(int(records.time_ns[self._changed(i)[-1 if shift.change == "vanished" else 0]]))
            found.append(
                LogTemplate(
                    template=self._clean(column.subject, _LONGEST_TEXT),
                    service=records.services[column.service],
                    level=records.levels[column.template],
                    change=shift.change,
                    before=shift.before * per_minute,
                    after=shift.after * per_minute,
                    count=round(float(counts[i])),
                    signature=records.signatures[column.template],
                    example=self._clean(records.examples[column.template].words, _LONGEST_TEXT),
                    onset=onset if shift.change != "steady" else None,
                )
            )
        return tuple(found)


def _logql(text: str) -> str:
    """Return a text as a LogQL string."""
    return orjson.dumps(_CONTROL.sub("", text)).decode()
