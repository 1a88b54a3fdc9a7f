"""Log lines -> templates -> which are new, which surged, which known wording they are.

Records (a line with its stack trace) become counts, bins by columns: a template, a signature, a
class of HTTP status or a service's volume; `shifts` finds those that changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow.compute as pc

from obskit.incident.distinct import distinct
from obskit.incident.masking import MASK
from obskit.incident.shifts import RELATIVE_RATIO, SURGE_RATIO, VANISHED_LINES, Bar, Shift, find_shifts, with_silence
from obskit.incident.signatures import is_sure
from obskit.incident.templates import BAD_LEVELS, Records, read_records, template_id
from obskit.model import LOG_VOLUME, Finding, Logs, LogTemplate, Window, nanoseconds, utc

Ints = npt.NDArray[np.int64]

#: Findings that are no known wording, and templates: more than these nobody reads.
MOST_OTHERS, MOST_TEMPLATES = 40, 200
#: 5 s up to an hour; never more bins than that.
_BIN_NS: Final = 5_000_000_000
_MOST_BINS: Final = 720
_MOST_COLUMNS: Final = 4000  # of a kind: pairs of a service and a template, or a signature
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
        records: The lines that were read, grouped; None where there were none. Not redacted.
    """

    findings: tuple[Finding, ...]
    templates: tuple[LogTemplate, ...]
    records: Records | None = field(default=None, repr=False, compare=False)


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
    homes = [home[c.service] for c in columns]
    volume = counts[:, homes]
    volume[:, list(home.values())] = VANISHED_LINES  # a service's volume is compared with time alone
    shifts = find_shifts(counts, volume, [c.bar for c in columns])
    teller = _Teller(records, columns, of_record, shifts, (start, bin_ns, len(counts)), redact)
    judged = list(zip(columns, shifts, strict=True))
    steady = {(c.service, c.subject) for c, s in judged if c.kind == "signature" and s.change == "steady"}
    news = [start + s.last * bin_ns > begin and _is_news(c, s, steady) for c, s in judged]
    found = [teller.finding(i) for i in np.flatnonzero(news).tolist()]
    found.sort(key=lambda f: (-abs(f.score) - (f.service == service), f.onset, f.service, f.subject))
    known = [f for f in found if f.kind == "signature"]
    others = [f for f in found if f.kind != "signature"][:MOST_OTHERS]
    # That a service fell silent is one finding, not one for each kind of line: only what is told of its templates ends.
    told = replace(teller, shifts=with_silence(shifts, counts, homes))
    templates = told.templates(begin, last=[s.change == "steady" for s in shifts])
    return LogReport(findings=(*known, *others), templates=templates, records=records)


def _is_news(column: _Column, shift: Shift, steady: Container[tuple[int, str]]) -> bool:
    if column.kind == "volume":  # of next to nothing, anything is a surge
        return shift.change != "steady" and shift.before * shift.first >= VANISHED_LINES
    if column.covered:  # a known wording that is there every day hides no new one of its kind
        return shift.change == "new" and (column.service, column.covered) in steady
    return shift.change in ("new", "surged") + ("vanished",) * (column.kind != "signature")


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of counts: ``subject`` is a template, a signature, ``access 5xx`` or `LOG_VOLUME`."""

    kind: str
    service: int
    template: int
    subject: str
    covered: str  #: The signature or the responses that tell of a template, or "".
    bar: Bar


def _columns(records: Records) -> tuple[list[_Column], list[Ints]]:
    """Return all columns, and for each of `_KINDS` the column of every record (or -1)."""
    bad = np.array([level in BAD_LEVELS for level in records.levels])
    status = [next(filter(None, m.groups())) if (m := _ACCESS.search(name)) else "" for name in records.names]
    access = [f"access {digit}xx" if digit else "" for digit in status]
    calm = np.array([level != "warn" for level in records.levels]) & ~bad
    # What a service says on a calm day measures its traffic; where it says nothing then, all counts.
    talks = np.isin(records.service, records.service[calm[records.template]])
    subjects = (
        records.template,
        _known(records.signatures)[records.template],
        _known(access)[records.template],
        np.where(calm[records.template] | ~talks, 0, -1),
    )
    columns, of_record = list[_Column](), list[Ints]()
    for kind, subject in zip(_KINDS, subjects, strict=True):
        pair = np.where(subject < 0, -1, subject * len(records.services) + records.service)
        pair = pair if kind == "volume" else _most(pair, bad[records.template])
        pairs, first, owner, _ = distinct(pair)
        absent = int(pairs[0] < 0)
        of_record.append(np.where(owner < absent, -1, owner - absent + len(columns)))
        for record in first[absent:].tolist():
            t = int(records.template[record])
            known, responses = records.signatures[t], access[t]
            name = dict(zip(_KINDS, (records.names[t], known, responses, LOG_VOLUME), strict=True))[kind]
            bar = _bar(kind, known, peers=int(bad.sum() if bad[t] else len(bad)), bad=bool(bad[t]))
            covered = (known or responses) if kind == "template" else ""
            columns.append(_Column(kind, int(records.service[record]), t, name, covered, bar))
    return columns, of_record


def _most(pair: Ints, bad: npt.NDArray[np.bool_]) -> Ints:
    """Return the column of each record, -1 for all but the most frequent ones; those of errors go first."""
    _, _, owner, counts = distinct(pair)
    rank = np.lexsort((-counts, np.bincount(owner, bad) == 0))
    return np.where(np.isin(owner, rank[:_MOST_COLUMNS]), pair, -1)


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
        return shown(text, longest, self.redact)

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

    def templates(self, since: int, last: Sequence[bool]) -> tuple[LogTemplate, ...]:
        """Return the templates with their rates: first those that changed by themselves, last the others."""
        records, per_minute = self.records, 60e9 / self.grid[1]
        weight = np.where(records.time_ns >= since, records.weight, 0.0)
        counts = np.bincount(self.of_record[0] + 1, weights=weight, minlength=len(self.columns) + 1)[1:]
        order = [i for i, c in enumerate(self.columns) if c.kind == "template"]
        order.sort(key=lambda i: (last[i], -counts[i], self.columns[i].subject))
        found = []
        for i in order[:MOST_TEMPLATES]:
            column, shift = self.columns[i], self.shifts[i]
            onset = utc(int(records.time_ns[self._changed(i)[-1 if shift.change == "vanished" else 0]]))
            text, name = template_of(column.subject, self.redact)
            found.append(
                LogTemplate(
                    template=text,
                    service=records.services[column.service],
                    level=records.levels[column.template],
                    change=shift.change,
                    before=shift.before * per_minute,
                    after=shift.after * per_minute,
                    count=round(float(counts[i])),
                    signature=records.signatures[column.template],
                    example=self._clean(records.examples[column.template].words, _LONGEST_TEXT),
                    onset=onset if shift.change != "steady" else None,
                    id=name,
                )
            )
        return tuple(found)


def shown(text: str, longest: int, redact: Callable[[str], str]) -> str:
    """Return a text of others as it may be shown: redacted, on one line, cut.

    Args:
        text: A template or a message.
        longest: Most characters.
        redact: Takes secrets out.
    """
    text = " ".join(_CONTROL.sub(" ", redact(text)).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def template_of(name: str, redact: Callable[[str], str]) -> tuple[str, str]:
    """Return a template's text as it is shown, and its id: that of what may be shown, before it is cut.

    So a recording, which is redacted, gives the same id as the lines that it was made of.

    Args:
        name: One of ``Records.names``.
        redact: Takes secrets out.
    """
    return shown(name, _LONGEST_TEXT, redact), template_id(shown(name, len(name) + _LONGEST_TEXT, redact))


def _logql(text: str) -> str:
    """Return a text as a LogQL string."""
    return orjson.dumps(_CONTROL.sub("", text)).decode()
