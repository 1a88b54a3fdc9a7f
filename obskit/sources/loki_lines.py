"""Which log lines are fetched, and how: whole where they fit the budget, else an honest sample.

The server's own counts decide. A *portion* is one query over one stretch of time; a portion
that is not fetched whole gives its lines a weight, so that weighted counts estimate the truth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from obskit.errors import SourceError
from obskit.sources.loki_query import DULL, INTERESTING, CountGrid, IntArray, Scope

if TYPE_CHECKING:
    import pyarrow as pa

    from obskit.sources.loki_read import LokiClient

#: Lines of one service's budget that are kept for lines that look harmless: what is new may be among them.
DULL_SHARE = 4
#: Lines that a slice of a whole fetch should hold: a page of 5,000 answers it in one request.
SLICE_LINES = 4500
SLICES = 10
#: Slices of a sample: the more, the more evenly it lies in time. All sampled services share the requests.
SAMPLE_SLICES = 30
SAMPLE_REQUESTS = 240

Counts = Mapping[str, IntArray]


@dataclass(frozen=True, slots=True)
class Portion:
    """One log query over one stretch of time.

    Attributes:
        query: The whole log query.
        start, end: Nanoseconds; the start belongs to it, the end does not.
        want: How many lines to fetch.
        held: How many the server counted.
    """

    query: str
    start: int
    end: int
    want: int
    held: int


@dataclass(slots=True)
class Fetched:
    """What came of a portion: its pages, and why the rest is missing."""

    portion: Portion
    pages: list[pa.Table] = field(default_factory=list)
    error: SourceError | None = None

    @property
    def lines(self) -> int:
        """How many lines came."""
        return sum(page.num_rows for page in self.pages)

    @property
    def left(self) -> int:
        """How many lines are still wanted."""
        return max(0, self.portion.want - self.lines)

    @property
    def lost(self) -> int:
        """How many lines did not come although the server counted them."""
        return max(0, min(self.portion.want, self.portion.held) - self.lines)

    @property
    def weight(self) -> float:
        """How many lines each of these stands for: 1 unless a sample was wanted."""
        sampled = self.portion.want < self.portion.held and self.lines > 0
        return max(1.0, self.portion.held / self.lines) if sampled else 1.0


def fair(counts: npt.ArrayLike, budget: int) -> IntArray:
    """Return how much of each count to take: at most the budget in all, the small ones whole.

    Max-min fairness: a level is found below which everything is taken, and at which the rest is cut.
    """
    counts = np.asarray(counts, np.int64)
    ascending = np.sort(counts)
    taken_below = np.concatenate([[0], np.cumsum(ascending)[:-1]]) if len(counts) else ascending
    levels = np.maximum(0, budget - taken_below) // np.arange(len(counts), 0, -1)
    cut = np.flatnonzero(ascending > levels)
    return counts if not len(cut) else np.minimum(counts, levels[cut[0]])


def plan(
    scope: Scope, grid: CountGrid, service: str, counts: Counts, interesting: Counts | None, max_lines: int
) -> tuple[Portion, ...]:
    """Decide what to fetch.

    Args:
        scope: Whose lines.
        grid: What the counts' buckets are.
        service: The one that suffers; two thirds of the budget are its own.
        counts: All lines a bucket, by service.
        interesting: Those that match `INTERESTING`; None when they could not be counted.
        max_lines: The budget.

    Returns:
        Portions whose ``want``s sum to at most the budget.
    """
    total = {name: int(rows.sum()) for name, rows in counts.items() if rows.sum()}
    if sum(total.values()) <= max_lines:
        return tuple(_whole(scope, grid, list(total), counts, everyone=True))
    others = [name for name in total if name != service]
    own = total.get(service, 0)
    left = max_lines - min(own, max(max_lines * 2 // 3, max_lines - sum(total[name] for name in others)))
    shares = dict(zip(others, fair([total[name] for name in others], left).tolist(), strict=True))
    shares[service] = min(own, max_lines - sum(shares.values()))
    quiet = [name for name, share in shares.items() if share and share == total[name]]
    noisy = [name for name, share in shares.items() if 0 < share < total[name]]
    portions = list(_whole(scope, grid, quiet, counts))
    slices = max(6, min(SAMPLE_SLICES, SAMPLE_REQUESTS // (2 * max(1, len(noisy)))))
    for name in noisy:
        some = None if interesting is None else interesting.get(name, np.zeros_like(counts[name]))
        # pages within a slice come one after the other: where the budget is large, slices hold one page each
        number = max(slices, math.ceil(shares[name] / SLICE_LINES))
        portions += _sample(scope.selector([name]), grid, counts[name], some, shares[name], number)
    return tuple(portions)


def _whole(
    scope: Scope, grid: CountGrid, names: Sequence[str], counts: Counts, *, everyone: bool = False
) -> Iterator[Portion]:
    """Fetch these services in whole, in slices that hold about as many lines each."""
    if not names:
        return
    rows = np.sum([counts[name] for name in names], axis=0)
    so_far = np.cumsum(rows)
    number = max(min(SLICES, math.ceil(so_far[-1] / 500)), math.ceil(so_far[-1] / SLICE_LINES))
    cuts = np.searchsorted(so_far, so_far[-1] * np.arange(1, number) / number) + 1
    query = scope.selector() if everyone else scope.selector(names)
    for start, end, held in _slices(grid, rows, np.unique(cuts)):
        if held:
            yield Portion(query, start, end, held, held)


def _sample(
    selector: str, grid: CountGrid, rows: IntArray, interesting: IntArray | None, budget: int, slices: int
) -> Iterator[Portion]:
    """Sample one service: what looks like trouble first, the rest too, both evenly in time."""
    cuts = np.unique(np.linspace(0, len(rows), slices + 1).astype(np.int64)[1:-1])
    if interesting is None:
        yield from _evenly(selector, grid, rows, budget, cuts)
        return
    dull = np.maximum(rows - interesting, 0)
    for_interesting = min(int(interesting.sum()), budget - min(int(dull.sum()), budget // DULL_SHARE))
    yield from _evenly(f"{selector} {INTERESTING}", grid, interesting, for_interesting, cuts)
    yield from _evenly(f"{selector} {DULL}", grid, dull, budget - for_interesting, cuts)


def _evenly(query: str, grid: CountGrid, rows: IntArray, budget: int, cuts: IntArray) -> Iterator[Portion]:
    slices = list(_slices(grid, rows, cuts))
    for (start, end, held), want in zip(slices, fair([s[2] for s in slices], budget).tolist(), strict=True):
        if want:
            yield Portion(query, start, end, want, held)


def _slices(grid: CountGrid, rows: IntArray, cuts: IntArray) -> Iterator[tuple[int, int, int]]:
    """Yield start, end (nanoseconds) and number of lines of each run of buckets between cuts."""
    bounds = [0, *(int(cut) for cut in cuts if 0 < cut < len(rows)), len(rows)]
    for first, last in pairwise(bounds):
        yield int(grid.edges[first]) + 1, int(grid.edges[last]) + 1, int(rows[first:last].sum())


def blind_plan(scope: Scope, grid: CountGrid, service: str, max_lines: int) -> tuple[Portion, ...]:
    """Decide what to fetch where nothing could be counted: as much of each tenth as the budget allows."""
    cuts = np.unique(np.linspace(0, len(grid.edges) - 1, SLICES + 1).astype(np.int64)[1:-1])
    slices = list(_slices(grid, np.zeros(len(grid.edges) - 1, np.int64), cuts))
    want = max(1, max_lines // len(slices))
    return tuple(Portion(scope.selector([service]), start, end, want, 0) for start, end, _ in slices)


def fetch_portion(client: LokiClient, label: str, portion: Portion, deadline: float) -> Fetched:
    """Fetch one portion page by page; what came before a failure is kept.

    The last instant of a full page is asked for again, as more lines may share it: so none is
    lost and none doubled. Where a whole page is one instant, the rest of it cannot be reached.
    """
    done, start = Fetched(portion), portion.start
    try:
        while done.left and start < portion.end:
            page, asked = client.lines(portion.query, label, start, portion.end, done.left, deadline)
            if page.num_rows < asked or page.num_rows >= done.left:
                done.pages.append(page)
                break
            times = page.column("time_ns").to_numpy()
            last, before = int(times.max()), times < times.max()
            done.pages.append(page.filter(before) if before.any() else page)
            start = last if before.any() else last + 1
    except SourceError as error:
        done.error = error
    return done
