"""Small labelled recordings of constructed incidents."""

from __future__ import annotations

import json
from pathlib import Path

from obskit.model import Service
from obskit.sources.bundle import write_bundle
from tests.support.scenario import ONSET, SERVICE, WINDOW, Scenario


def pool() -> Scenario:
    """An exhausted pool, which the engine finds."""
    case = Scenario().becomes("db_pool_used_ratio", 1.0).errors()
    return case.logs("TimeoutError: QueuePool limit of size 20 overflow 0 reached, connection timed out, timeout 5.00")


def cpu() -> Scenario:
    """Tasks that are out of CPU, which the engine finds."""
    return Scenario().becomes("container_cpu_cores", 0.5).becomes("http_latency_p95", 1.0)


def locks() -> Scenario:
    """Locks and nothing else: the engine calls them possible."""
    return Scenario().becomes("pg_locks", 30)


def errors() -> Scenario:
    """Errors without a reason: the engine names no cause."""
    return Scenario().errors()


def write(path: Path, case: Scenario, *, label: object = None) -> Path:
    """Write a recording, and beside it its label where there is one; an exhausted pool's begins at `ONSET`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    service = Service(name=SERVICE, cluster="prod")
    write_bundle(path, case.telemetry, service=service, window=WINDOW, made_by="a test")
    if label is not None:
        path.with_suffix(".truth.json").write_text(json.dumps(label), encoding="utf-8")
    return path


def corpus(folder: Path) -> Path:
    """Write five recordings: two right, one missed, one that stays calm, one decoy that does not."""
    write(
        folder / "pool_1.obskit",
        pool(),
        label={"cause": "db_pool_exhausted", "culprit": SERVICE, "onset": ONSET.isoformat(), "decoys": ["batch job"]},
    )
    write(folder / "cpu_1.obskit", cpu(), label={"cause": "cpu_saturation", "culprit": "orders"})
    write(folder / "disk_1.obskit", errors(), label={"cause": "disk_full"})
    write(folder / "calm_1.obskit", Scenario(), label={"cause": "none"})
    write(folder / "batch_1.obskit", locks(), label={"cause": "none", "decoys": ["batch job"]})
    return folder
