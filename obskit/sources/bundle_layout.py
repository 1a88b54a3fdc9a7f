"""What a bundle's table looks like, and how large one may be."""

from __future__ import annotations

import pyarrow as pa

FORMAT = 1


KEY = b"obskit"


MAX_FILE_BYTES = 512 * 1024 * 1024


MAX_BYTES = 2 * 1024 * 1024 * 1024 - 1


#: A thousand series over a week at a point every 15 s.
MAX_ROWS = 50_000_000


TEXTS = (
    "pillar",
    "name",
    "service",
    "task",
    "labels",
    "unit",
    "level",
    "text",
    "query",
    "code",
    "revision",
    "deployment",
)


NUMBERS = {"time_ns": pa.int64(), "series": pa.int32(), "value": pa.float64(), "weight": pa.float64()}


ABSENT = {"time_ns": 0, "series": -1, "value": float("nan"), "weight": float("nan")}


TEXT = pa.dictionary(pa.int32(), pa.string())


SCHEMA = pa.schema(
    [pa.field(name, TEXT, nullable=False) for name in TEXTS]
    + [pa.field(name, kind, nullable=False) for name, kind in NUMBERS.items()]
)
