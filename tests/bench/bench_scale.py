"""How long a triage takes, and how much memory, as a system grows: run by hand.

    python tests/bench/bench_scale.py [SIZES ...] [--unknown] [--profile] [--runs N]

Size 1 is 10,000 series of 240 points, 1,000,000 log lines and 2,000 events; 1, 2 and 5 are run
unless others are given. Each size runs in a process of its own: it makes its telemetry (seeded,
nothing goes to disk), investigates it and renders the report as text and as JSON. Two figures
are printed for memory: the highest resident size while it investigated, and by how much that
is more than what was resident with the telemetry alone.

The shop's pool is exhausted, which signatures and signals tell. With ``--unknown`` it is something
that no cause knows: users feel it, a queue that only a stranger's exporter counts grows, and the
log has words that were never seen, so that services are ranked by statistics.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import ctypes
import gc
import io
import json
import pstats
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from obskit.catalogue import all_signals
from obskit.incident import investigate as walk
from obskit.incident.report import as_json, as_text
from obskit.model import (
    Event,
    FloatMatrix,
    Logs,
    Metrics,
    Series,
    Service,
    Signal,
    Telemetry,
    Unit,
    Window,
    nanoseconds,
    utc,
)

SIZES = (1.0, 2.0, 5.0)
COLUMNS, POINTS, LINES, EVENTS = 10_000, 240, 1_000_000, 2_000
STEP = timedelta(seconds=15)
END = datetime(2026, 1, 31, 3, 12, tzinfo=UTC)
BEGIN = END - STEP * (POINTS - 1)
WINDOW = Window(start=END - timedelta(minutes=29), end=END, step=STEP)
#: The pool is exhausted from here on.
ONSET = END - timedelta(minutes=12)
SERVICES = (
    "shop",
    *(f"{word}-{n}" for n in range(1, 6) for word in ("cart", "stock", "user", "mail", "search", "pay")),
)
CALLERS, DEPENDENCIES = SERVICES[1:3], SERVICES[3:6]
TASKS = 8
#: What other exporters bring along: names that the catalogue does not know.
UNKNOWN_NAMES = 400
UNITS: tuple[Unit, ...] = ("seconds", "bytes", "ratio", "per_second", "count")
#: Shares: series outside the catalogue, points that are missing, tasks that were replaced.
UNKNOWN_SHARE, MISSING, REPLACED = 0.5, 0.01, 0.05
#: Parts of the walk that are timed where they are called.
STAGES = (
    "with_service_columns",
    "detect",
    "find_in_logs",
    "find_in_events",
    "correlate",
    "rank",
    "culprit",
    "rank_suspects",
    "explain",
)

Random = np.random.Generator
Ints = npt.NDArray[np.int64]


# -- metrics ----------------------------------------------------------------------------------


def task_name(service: str, number: int) -> str:
    """Return a task id as ECS makes them: hexadecimal digits."""
    return f"{abs(hash_of(f'{service}/{number}')):016x}"


def hash_of(text: str) -> int:
    """Return a number that is the same in every process (FNV-1a, 64 bits)."""
    number = 0xCBF29CE484222325
    for byte in text.encode():
        number = (number ^ byte) * 0x100000001B3 % 2**64
    return number


def columns_of(count: int) -> tuple[Series, ...]:
    """Return what the columns are: shared signals, then tasks' signals service by service, then strangers."""
    known = [s for s in all_signals().values() if s.weighed and s.variants[0].language == "PromQL"]
    shared = [s for s in known if s.scope == "shared"]
    own = [s for s in known if s.scope == "service"]
    made = [Series(signal=s.id, unit=s.unit, service=s.entity or "shop", query=s.id) for s in shared]
    strangers = int(count * UNKNOWN_SHARE)
    number = 0
    while len(made) < count - strangers:
        made += [_of_task(signal, service, number) for service in SERVICES for signal in own]
        number += 1
    made = made[: count - strangers]
    for i in range(strangers):
        service = SERVICES[i // UNKNOWN_NAMES % len(SERVICES)]
        name, place = f"exporter_metric_{i % UNKNOWN_NAMES}", i // UNKNOWN_NAMES // len(SERVICES)
        unit = UNITS[i % UNKNOWN_NAMES % len(UNITS)]
        made.append(
            Series(signal=name, unit=unit, service=service, labels=(("shard", str(place)),), query=f"{name}{{}}")
        )
    return tuple(made)


def _of_task(signal: Signal, service: str, number: int) -> Series:
    query = f'{signal.id}{{service="{service}"}}'
    return Series(signal=signal.id, unit=signal.unit, service=service, task=task_name(service, number), query=query)


def values_of(series: tuple[Series, ...], random: Random) -> FloatMatrix:
    """Return calm columns with noise that has a memory, holes, replaced tasks and the day's slope."""
    count = len(series)
    ratio = np.array([s.unit == "ratio" for s in series])
    level = np.where(ratio, random.uniform(0.05, 0.5, count), random.lognormal(2.0, 1.5, count))
    noise = np.empty((POINTS, count))
    noise[0] = random.standard_normal(count)
    memory = random.uniform(0.0, 0.6, count)
    for t in range(1, POINTS):
        noise[t] = memory * noise[t - 1] + np.sqrt(1 - memory**2) * random.standard_normal(count)
    drift = np.linspace(-0.5, 0.5, POINTS)[:, None] * random.normal(0.0, 0.02, count)
    values = np.abs(level * (1.0 + 0.03 * noise + drift))
    values[random.random((POINTS, count)) < MISSING] = np.nan
    replaced = np.flatnonzero([bool(s.task) for s in series] & (random.random(count) < REPLACED))
    birth = random.integers(0, POINTS, len(replaced))
    values[:, replaced] = np.where(np.arange(POINTS)[:, None] < birth, np.nan, values[:, replaced])
    return values


#: What the shop, its callers (where the second is True) and its pool show: calm, and from the onset on.
LEVELS: dict[str, tuple[float, float]] = {
    "db_pool_used_ratio": (0.4, 1.0),
    "db_pool_waiting": (0.0, 12.0),
    "db_pool_timeouts": (0.0, 0.6),
    "http_error_ratio": (0.0, 0.25),
    "http_latency_mean": (0.05, 3.0),
    "http_latency_p95": (0.09, 5.0),
    "http_in_flight": (3.0, 40.0),
    "pg_up": (1.0, 1.0),
    "task_up": (1.0, 1.0),
}
FELT = {"http_latency_mean", "http_latency_p95", "http_error_ratio"}


def break_the_shop(values: FloatMatrix, series: tuple[Series, ...], random: Random, *, unknown: bool) -> None:
    """Let the shop's pool fill up at the onset, or a stranger's queue; let its users and its callers feel it."""
    at = int((ONSET - BEGIN) / STEP)
    queue = next((i for i, s in enumerate(series) if s.service == "shop" and s.signal.startswith("exporter_")), -1)
    if unknown and queue >= 0:
        values[at:, queue] *= np.linspace(2.0, 40.0, POINTS - at)
    for i, s in enumerate(series):
        if s.signal not in LEVELS:
            continue
        calm, bad = LEVELS[s.signal]
        jitter = 1.0 + 0.02 * random.standard_normal(POINTS)
        levels = np.full(POINTS, calm)
        known = not unknown or s.signal in FELT
        if known and (s.service == "shop" or (s.service in CALLERS and s.signal in FELT)):
            levels[at + (0 if s.signal.startswith("db_") else 2) :] = bad
        shown = np.where(np.isnan(values[:, i]), np.nan, levels * (1.0 if s.signal.endswith("_up") else jitter))
        values[:, i] = np.minimum(shown, 1.0) if s.unit == "ratio" else shown


def metrics_of(count: int, random: Random, *, unknown: bool) -> Metrics:
    """Return the matrix of a size."""
    series = columns_of(count)
    values = values_of(series, random)
    break_the_shop(values, series, random, unknown=unknown)
    first = np.datetime64(nanoseconds(BEGIN), "ns")
    times = first + np.arange(POINTS) * np.timedelta64(int(STEP.total_seconds()), "s")
    return Metrics(times=times.astype("datetime64[ns]"), values=values, series=series)


# -- logs -------------------------------------------------------------------------------------

_VERBS = ("created", "loaded", "sent", "refreshed", "queued", "parsed", "closed", "opened", "checked", "stored")
_NOUNS = ("order", "session", "basket", "invoice", "price list", "stock item", "mail", "profile", "page", "coupon")
#: ``{n}`` a number, ``{h}`` hexadecimal digits, ``{u}`` a UUID, ``{i}`` an address.
_FORMS = (
    "{verb} {noun} {n} for user {n} in {n} ms",
    '{{"level":"info","logger":"app.{noun}","message":"{verb} {noun} {n}","trace_id":"{h}","duration_ms":{n}}}',
    'level=info msg="{verb} {noun}" id={u} took={n}ms peer={i}',
)
_REQUEST = '{i} - - "GET /api/{noun}/{n} HTTP/1.1" 200 {n} {n}ms'
_TROUBLE = (
    "ERROR sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow {n} reached, "
    "connection timed out, timeout 30.00 request {h}",
    'ERROR {i} "POST /api/checkout HTTP/1.1" 500 {n} {n}ms',
)
_STRANGE = ("ERROR ledger of basket {n} does not balance by {n} cents", _TROUBLE[1])


def forms() -> list[tuple[str, str]]:
    """Return (level, template) of everything that calm services say: a few hundred."""
    said = [("info", form) for form in _FORMS]
    made = [(level, _worded(form, v, n)) for level, form in said for v in _VERBS for n in _NOUNS]
    made += [("info", _worded(_REQUEST, "", noun)) for noun in _NOUNS]
    return [*made, ("warn", "retry {n} of call to {i} after {n} ms")]


def _worded(form: str, verb: str, noun: str) -> str:
    return form.replace("{verb}", verb).replace("{noun}", noun).replace("{{", "{").replace("}}", "}")


def pools(random: Random) -> dict[str, pa.Array]:
    """Return what is put into the places of a template."""
    raw = [random.bytes(16).hex() for _ in range(1 << 14)]
    uuids = [f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in raw]
    addresses = [".".join(map(str, row)) for row in random.integers(1, 255, (1 << 12, 4)).tolist()]
    return {"h": pa.array(raw), "u": pa.array(uuids), "i": pa.array(addresses)}


def written(form: str, count: int, places: dict[str, pa.Array], random: Random) -> pa.Array:
    """Return so many lines of one template."""
    parts: list[Any] = []
    rest = form
    while rest:
        starts = [(at, key) for key in ("n", "h", "u", "i") if (at := rest.find(f"{{{key}}}")) >= 0]
        at, key = min(starts, default=(len(rest), ""))
        parts.append(pa.scalar(rest[:at]))
        rest = rest[at + 3 :]
        if key == "n":
            parts.append(pa.array(random.integers(1, 100_000, count)).cast(pa.string()))
        elif key:
            parts.append(places[key].take(pa.array(random.integers(0, len(places[key]), count))))
    return pc.binary_join_element_wise(*parts, "")


def logs_of(count: int, random: Random, *, unknown: bool) -> Logs:
    """Return lines of all services over the whole time, and the shop's complaints since the onset."""
    trouble = count // 100
    calm_forms, places = forms(), pools(random)
    weights = 1.0 / np.arange(1, len(calm_forms) + 1) ** 0.7
    shares = random.multinomial(count - trouble, random.permutation(weights / weights.sum()))
    said = [*zip(calm_forms, shares.tolist(), strict=True)]
    said += [
        (("error", form), part)
        for form, part in zip(_STRANGE if unknown else _TROUBLE, (trouble // 2, trouble - trouble // 2), strict=True)
    ]
    lines = pa.chunked_array([written(form, part, places, random) for (_, form), part in said], pa.string())
    level = np.repeat([{"info": 0, "warn": 1, "error": 2}[level] for (level, _), _ in said], [n for _, n in said])
    begin, onset, end = nanoseconds(BEGIN), nanoseconds(ONSET), nanoseconds(END)
    times = np.where(level == 2, random.integers(onset, end, count), random.integers(begin, end, count))
    service = np.where(level == 2, 0, random.integers(0, len(SERVICES), count))
    task = service * TASKS + random.integers(0, TASKS, count)
    order = np.argsort(times, kind="stable")
    names = [task_name(s, n) for s in SERVICES for n in range(TASKS)]
    table = pa.table(
        {
            "time_ns": pa.array(times[order]),
            "service": _decoded(service[order], SERVICES),
            "task": _decoded(task[order], names),
            "level": _decoded(level[order], ("info", "warn", "error")),
            "line": lines.take(pa.array(order)).combine_chunks(),
            "weight": pa.array(np.ones(count)),
        }
    )
    return Logs(table=table)


def _decoded(codes: Ints, names: tuple[str, ...] | list[str]) -> pa.Array:
    index = pa.array(codes.astype(np.int32))
    return pa.DictionaryArray.from_arrays(index, pa.array(list(names))).dictionary_decode()


# -- events -----------------------------------------------------------------------------------


def events_of(count: int, random: Random) -> tuple[Event, ...]:
    """Return tasks that come and go everywhere, steady states, and the shop's tasks that fail their checks."""
    made = []
    whole = int((END - BEGIN).total_seconds())
    for i in range(count):
        at = utc(nanoseconds(BEGIN + timedelta(seconds=int(random.integers(0, whole)))))
        service = SERVICES[int(random.integers(0, len(SERVICES)))]
        task, revision = task_name(service, 100 + i // 2), f"{service}:7"
        known = Event(
            time=at, kind="task_running", service=service, task=task, revision=revision, code="RUNNING",
            deployment=f"ecs-svc/{service}",
        )  # fmt: skip
        if i % 4 == 0:
            made.append(known)
        elif i % 4 == 1:
            words = f"Scaling activity initiated by (deployment ecs-svc/{service})"
            made.append(replace(known, kind="task_stopped", code="ServiceSchedulerInitiated", message=words))
        else:
            steady = f"(service {service}) has reached a steady state."
            made.append(Event(time=at, kind="service_message", service=service, message=steady))
    for n in range(4):
        at = ONSET + timedelta(minutes=2 + 2 * n)
        words = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:x)"
        made.append(
            Event(time=at, kind="task_stopped", service="shop", task=task_name("shop", n), code="", message=words)
        )
    return tuple(made)


def telemetry_of(size: float, *, unknown: bool = False) -> Telemetry:
    """Return a system of a size; the same one for the same size."""
    random = np.random.default_rng(11)
    return Telemetry(
        metrics=metrics_of(int(COLUMNS * size), random, unknown=unknown),
        logs=logs_of(int(LINES * size), random, unknown=unknown),
        events=events_of(int(EVENTS * size), random),
        facts={
            **{f"relation.{name}": "caller" for name in CALLERS},
            **{f"relation.{name}": "dependency" for name in DEPENDENCIES},
            "cluster": "prod",
            "step_seconds": f"{STEP.total_seconds():g}",
        },
    )


# -- one size ---------------------------------------------------------------------------------


class Taken(NamedTuple):
    """Seconds on the clock, and of this process' processor time: a busy machine stretches the first."""

    clock: float
    processor: float

    def __add__(self, other: Any) -> Taken:
        return Taken(*(a + b for a, b in zip(self, other, strict=True)))

    def __sub__(self, other: Any) -> Taken:
        return Taken(*(a - b for a, b in zip(self, other, strict=True)))

    @classmethod
    def now(cls) -> Taken:
        """Return both clocks."""
        return cls(time.perf_counter(), time.process_time())


def timed_stages() -> dict[str, Taken]:
    """Time the stages where the walk calls them; return the seconds, which grow as it runs."""
    seconds: dict[str, Taken] = defaultdict(lambda: Taken(0.0, 0.0))

    def timed(name: str, stage: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **named: Any) -> Any:
            begin = Taken.now()
            try:
                return stage(*args, **named)
            finally:
                seconds[name] += Taken.now() - begin

        return run

    for name in (*STAGES, "diagnosis_of"):
        if hasattr(walk, name):
            setattr(walk, name, timed(name, getattr(walk, name)))
    return seconds


def resident() -> tuple[float, float]:
    """Return this process' resident size and its highest so far, MB."""
    status = Path("/proc/self/status").read_text()
    found = dict(line.split(":", 1) for line in status.splitlines() if line.startswith(("VmRSS", "VmHWM")))
    now, most = (int(found[key].split()[0]) / 1e3 * 1.024 for key in ("VmRSS", "VmHWM"))
    return now, max(most, 0.0)


def forget_the_highest() -> bool:
    """Let the highest resident size begin anew; False where the kernel does not."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def one_size(size: float, *, unknown: bool, profile: bool) -> dict[str, Any]:
    """Investigate a system of a size and return what it took; runs in a process of its own."""
    pa.set_cpu_count(2)
    telemetry, service = telemetry_of(size, unknown=unknown), Service(name="shop")
    honest = forget_the_highest()
    before, _ = resident()
    seconds = timed_stages()
    profiler = cProfile.Profile()
    begin = Taken.now()
    if profile:
        profiler.enable()
    diagnosis = walk.investigate(telemetry, service=service, window=WINDOW)
    rendering = Taken.now()
    text, document = as_text.render(diagnosis), as_json.render(diagnosis)
    end = Taken.now()
    profiler.disable()
    highest = resident()[1] if honest else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3 * 1.024
    parts = {**seconds, "report": end - rendering}
    nothing = Taken(0.0, 0.0)
    within = sum((parts.get(name, nothing) for name in ("culprit", "rank_suspects", "explain")), nothing)
    parts["diagnosis"] = parts.pop("diagnosis_of", nothing) - within
    parts["causes and the rest"] = end - begin - sum(parts.values(), nothing)
    return {
        "size": size,
        "seconds": (end - begin).clock,
        "processor": (end - begin).processor,
        "stages": parts,
        "telemetry_mb": before,
        "highest_mb": highest,
        "honest": honest,
        "verdict": f"{diagnosis.verdict}: {diagnosis.hypotheses[0].cause if diagnosis.hypotheses else '-'}",
        "report": hash_of(text + document.replace(f"{diagnosis.elapsed_seconds}", "")),
        "profile": [_lines(profiler, order) for order in ("cumulative", "tottime")] if profile else [],
    }


def _lines(profiler: cProfile.Profile, order: str) -> str:
    out = io.StringIO()
    pstats.Stats(profiler, stream=out).strip_dirs().sort_stats(order).print_stats(10)
    return f"by {order}:\n" + "\n".join(line for line in out.getvalue().splitlines()[5:] if line.strip())


# -- all --------------------------------------------------------------------------------------


def child(size: float, *, unknown: bool, profile: bool) -> dict[str, Any]:
    """Run one size in a process of its own."""
    flags = [flag for flag, on in (("--unknown", unknown), ("--profile", profile)) if on]
    command = [sys.executable, __file__, "--child", f"{size:g}", *flags]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def say(text: str) -> None:
    """Write one line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def tell(found: dict[str, Any]) -> None:
    """Print what one size took."""
    size = found["size"]
    say(
        f"{size:g}x: {COLUMNS * size:,.0f} series x {POINTS}, {LINES * size:,.0f} lines, {EVENTS * size:,.0f} events: "
        f"{found['seconds']:.2f} s (CPU {found['processor']:.2f}); peak {found['highest_mb']:,.0f} MB"
        f"{'' if found['honest'] else ' (making the telemetry included)'}, "
        f"{found['highest_mb'] - found['telemetry_mb']:,.0f} MB beyond the {found['telemetry_mb']:,.0f} MB of the "
        f"program with its telemetry; {found['verdict']}; report {found['report']:016x}"
    )
    for name, (clock, processor) in sorted(found["stages"].items(), key=lambda pair: -float(pair[1][0])):
        say(f"    {name:22} {clock:7.3f} s, CPU {processor:7.3f}")
    for text in found["profile"]:
        say(text)


def main() -> None:
    """Print seconds, memory and the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("sizes", nargs="*", type=float, help="1 is 10,000 series and 1,000,000 lines")
    parser.add_argument("--runs", type=int, default=1, help="take the fastest of so many")
    parser.add_argument("--unknown", action="store_true", help="let it be a fault that no cause knows")
    parser.add_argument("--profile", action="store_true", help="print where the time goes (and makes it slower)")
    parser.add_argument("--child", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        say(json.dumps(one_size(given.child, unknown=given.unknown, profile=given.profile)))
        return
    best = []
    for size in given.sizes or SIZES:
        runs = [child(size, unknown=given.unknown, profile=given.profile) for _ in range(given.runs)]
        best.append(min(runs, key=lambda found: float(found["seconds"])))
        tell(best[-1])
    if len(best) > 1:
        for key, name in (("seconds", "seconds"), ("processor", "CPU seconds")):
            first = best[0][key] / best[0]["size"]
            curve = ", ".join(f"{f['size']:g}x {f[key] / f['size'] / first:.2f}" for f in best)
            say(f"{name} a unit of size, the first as 1: {curve}")


if __name__ == "__main__":
    main()
