"""What services write: counted on Loki's side, so that a million lines need not travel.

Every investigation counts these three; what only dashboards and rules ask is in ``log_detail``.
"""

from obskit.catalogue._logql import ERRORS, TIMEOUTS
from obskit.model import Signal, Variant

SIGNALS = (
    Signal(
        id="log_lines",
        topic="logs",
        title="log lines",
        meaning=(
            "How much a service writes. Silence means that it, or the way its logs take, has stopped; a "
            "flood is a retry loop or a debug level left on: read the newest lines."
        ),
        unit="per_second",
        bad="both",
        floor=1,
        variants=(
            Variant(
                name="Loki",
                language="LogQL",
                query="sum by ($service) (rate($selector[$rate]))",
                needs=(),
            ),
        ),
    ),
    Signal(
        id="log_errors",
        topic="logs",
        title="log lines that tell of errors",
        meaning=(
            "Lines with words of failure. A jump has an onset: read the first lines after it, they are "
            "nearer to the cause than the later ones."
        ),
        unit="per_second",
        bad="up",
        floor=0.1,
        variants=(
            Variant(
                name="Loki",
                language="LogQL",
                query=f"sum by ($service) (rate($selector {ERRORS}[$rate]))",
                needs=(),
            ),
        ),
    ),
    Signal(
        id="log_timeouts",
        topic="logs",
        title="log lines that tell of time-outs",
        meaning=(
            "Lines that tell of waiting in vain. Whoever is named in them as the other side is the "
            "suspect: the database, another service, or the way there."
        ),
        unit="per_second",
        bad="up",
        floor=0.1,
        variants=(
            Variant(
                name="Loki",
                language="LogQL",
                query=f"sum by ($service) (rate($selector {TIMEOUTS}[$rate]))",
                needs=(),
            ),
        ),
    ),
)
