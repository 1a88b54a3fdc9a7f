"""What services write: counted on Loki's side, so that a million lines need not travel."""

from obskit.catalogue._logql import ERRORS, TIMEOUTS
from obskit.model import Signal, Variant

SIGNALS = (
    Signal(
        id="log_lines",
        topic="logs",
        title="log lines",
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
