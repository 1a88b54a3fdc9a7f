"""What dashboards and rules ask of logs beyond what every investigation counts."""

from obskit.catalogue._logql import CRASHES, ERRORS, FATALS
from obskit.model import Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="log_fatals",
        topic="log_detail",
        title="log lines of the highest levels",
        meaning=(
            "Lines of level fatal, critical or panic: the process says itself that it cannot go on, or "
            "nearly so. They are rare, so read each; the first one names the reason."
        ),
        unit="per_second",
        bad="up",
        floor=0.003,
        warn=Threshold(value=0.003, reason="one in five minutes: a healthy service writes none"),
        crit=Threshold(value=0.1, reason="six a minute: it goes down again and again"),
        variants=(
            Variant(
                name="Loki",
                language="LogQL",
                query=f"sum by ($service) (rate($selector {FATALS}[$rate]))",
                needs=(),
            ),
        ),
    ),
    Signal(
        id="log_crashes",
        topic="log_detail",
        title="log lines that tell of a crash",
        meaning=(
            "Last words of a process: out of memory, segmentation fault, unhandled exception. Each is a "
            "task or worker that died; compare with the stopped tasks and the newest deployment."
        ),
        unit="per_second",
        bad="up",
        floor=0.003,
        warn=Threshold(value=0.003, reason="one in five minutes: a healthy service does not crash"),
        crit=Threshold(value=0.016, reason="one a minute: a crash loop"),
        variants=(
            Variant(
                name="Loki",
                language="LogQL",
                query=f"sum by ($service) (rate($selector {CRASHES}[$rate]))",
                needs=(),
            ),
        ),
    ),
    Signal(
        id="log_error_ratio",
        topic="log_detail",
        title="share of log lines that tell of errors",
        meaning=(
            "How much of what a service writes is about failure; unlike a count it does not grow with "
            "traffic. A jump has an onset: read the first error lines after it."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.02,
        warn=Threshold(
            value=0.05, reason="one line in twenty: more than the odd failed request of a service that logs each"
        ),
        crit=Threshold(value=0.25, reason="a quarter of all that it writes: most work fails"),
        variants=(
            Variant(
                name="Loki",
                language="LogQL",
                query=(
                    f"(sum by ($service) (rate($selector {ERRORS}[$rate])) or 0 * sum by ($service) (rate($selector[$rate])))"
                    " / sum by ($service) (rate($selector[$rate]))"
                ),
                needs=(),
            ),
        ),
    ),
    Signal(
        id="log_bytes",
        topic="log_detail",
        title="log volume",
        meaning=(
            "Bytes that a service writes. It is what Loki is paid by and limits: a flood ends in dropped "
            "lines (HTTP 429 at the collector), so find the line that repeats."
        ),
        unit="bytes_per_second",
        bad="up",
        floor=10000,
        warn=Threshold(
            value=1024 * 1024, reason="a third of Loki's default limit for a stream (per_stream_rate_limit, 3 MB/s)"
        ),
        crit=Threshold(
            value=3 * 1024 * 1024,
            reason=(
                "Loki's default limit for a stream (per_stream_rate_limit): a single stream's lines are "
                "refused from here"
            ),
        ),
        variants=(
            Variant(
                name="Loki",
                language="LogQL",
                query="sum by ($service) (bytes_rate($selector[$rate]))",
                needs=(),
            ),
        ),
    ),
    Signal(
        id="log_error_growth",
        topic="log_detail",
        title="error lines, times those of an hour ago",
        meaning=(
            "How many times as many error lines as an hour ago. A service that always logs some errors is compared with "
            "itself; read the first lines after the jump, they are nearer to the cause."
        ),
        unit="count",
        bad="up",
        combine="max",
        floor=1,
        weighed=False,
        warn=Threshold(value=10, reason="tenfold is no rhythm of a day; of none before it takes six lines a minute"),
        variants=(
            Variant(
                name="Loki",
                language="LogQL",
                # 0.01 a second is added to what was: three lines in five minutes, so that few lines are no surge
                query=(
                    f"sum by ($service) (rate($selector {ERRORS}[$rate]))"
                    f" / ((sum by ($service) (rate($selector {ERRORS}[$rate] offset 1h))"
                    f" or 0 * sum by ($service) (rate($selector {ERRORS}[$rate]))) + 0.01)"
                ),
                needs=(),
            ),
        ),
    ),
)
