"""Tests of the alerts on CPU, memory, kernel tables and clock of nodes."""

from obskit.ascode.alerts import around, counting, fires, quiet, steady

NODE = 'instance="n1:9100"'


def _cpu(working: float, iowait: float = 0.0, steal: float = 0.0, cores: int = 2) -> dict[str, str]:
    """Return the CPU times of a node: shares of each core."""
    shares = {"user": max(working - steal, 0), "steal": steal, "iowait": iowait, "idle": 1 - working - iowait}
    return {
        f'node_cpu_seconds_total{{{NODE},cpu="{core}",mode="{mode}"}}': counting(share)
        for core in range(cores)
        for mode, share in shares.items()
    }


def _load(per_core: float, cores: int = 2) -> dict[str, str]:
    return {f"node_load1{{{NODE}}}": steady(per_core * cores)}


def _queue(waiting: float) -> dict[str, str]:
    return {f'node_disk_io_time_weighted_seconds_total{{{NODE},device="nvme0n1"}}': counting(waiting)}


def _memory(used: float) -> dict[str, str]:
    return {
        f"node_memory_MemAvailable_bytes{{{NODE}}}": steady((1 - used) * 8e9),
        f"node_memory_MemTotal_bytes{{{NODE}}}": steady(8e9),
    }


def _faults(per_second: float) -> dict[str, str]:
    return {f"node_vmstat_pgmajfault{{{NODE}}}": counting(per_second)}


def _conntrack(share: float) -> dict[str, str]:
    entries = f"node_nf_conntrack_entries{{{NODE}}}"
    return {entries: steady(share * 262_144), f"node_nf_conntrack_entries_limit{{{NODE}}}": steady(262_144)}


def _descriptors(share: float) -> dict[str, str]:
    allocated = f"node_filefd_allocated{{{NODE}}}"
    return {allocated: steady(share * 1_000_000), f"node_filefd_maximum{{{NODE}}}": steady(1_000_000)}


def _killed(processes: float) -> dict[str, str]:
    """Return a counter that was 3 and is more from its second sample on."""
    return {f"node_vmstat_oom_kill{{{NODE}}}": f"3 {3 + processes:g}x1900"}


#: No CPU idles that much; a new counter's rate needs five minutes to tell a share, and this shows at once.
IDLE = _cpu(-20)
TICKET = {"instance": "n1:9100", "severity": "ticket"}
PAGE = {"instance": "n1:9100", "severity": "page"}

TESTS = (
    # ------------------------------------------------------------------------------- CPU
    around("NodeCpuSaturated", lambda load: _load(load) | _cpu(0.97), labels=TICKET),
    quiet(
        "NodeCpuSaturated",
        _load(6) | _cpu(0.1, iowait=0.89),
        at="1h",
        why="waiting for a disk is no work, though no core is idle",
    ),
    quiet("NodeCpuSaturated", _load(1) | _cpu(1), at="1h", why="a batch job that uses all cores makes nobody queue"),
    fires("NodeCpuSaturated", _load(3) | _cpu(0.91), at="1h", why="nine tenths at work are no free core"),
    quiet("NodeCpuSaturated", _load(3) | _cpu(0.89), at="1h", why="a tenth free is no shortage, whatever the load"),
    around("NodeProcessesStuck", lambda load: _load(load) | IDLE | _queue(0), labels=TICKET),
    fires(
        "NodeProcessesStuck",
        _load(8) | _cpu(0.05, iowait=0.9) | _queue(1),
        at="1h",
        why="waiting for NFS counts as iowait, and its disk is elsewhere",
    ),
    quiet("NodeProcessesStuck", _load(8) | _cpu(0.1) | _queue(30), at="1h", why="then it is the disk"),
    quiet("NodeProcessesStuck", _load(8) | _cpu(0.95) | _queue(0), at="1h", why="they do run"),
    around("NodeCpuStolen", lambda share: _cpu(min(share + 0.2, 1), steal=min(share, 1)), labels=TICKET, far=0.9),
    # ---------------------------------------------------------------------------- memory
    around("NodeMemoryHigh", _memory, labels=TICKET, far=0.99),
    around("NodeMemoryThrashing", lambda rate: _faults(rate) | _memory(0.96), labels=PAGE),
    quiet(
        "NodeMemoryThrashing",
        _faults(5000) | _memory(0.5),
        at="1h",
        why="Prometheus and Loki read mapped files: with memory to spare that is their work",
    ),
    fires("NodeMemoryThrashing", _faults(600) | _memory(0.91), at="1h", why="a tenth of the memory is left"),
    quiet("NodeMemoryThrashing", _faults(600) | _memory(0.89), at="1h", why="more than a tenth is left"),
    around("NodeOomKilled", _killed, labels=TICKET, bad=1, good=0.9),
    quiet(
        "NodeOomKilled",
        {f"node_vmstat_oom_kill{{{NODE}}}": "7x40 0x200"},
        at="12m",
        why="a node that starts anew counts from zero: the reset is no kill",
    ),
    quiet("NodeOomKilled", _killed(2), at="17m", why="kills are told for a quarter of an hour"),
    # ---------------------------------------------------------------------- kernel tables
    around("NodeConntrackFilling", _conntrack, labels=TICKET, far=0.99),
    around("NodeConntrackFull", _conntrack, labels=PAGE, far=0.99),
    fires("NodeConntrackFull", _conntrack(0.95), at="2m30s", why="two minutes after it began, not four"),
    quiet(
        "NodeConntrackFull",
        {f"node_nf_conntrack_entries{{{NODE}}}": steady(0), f"node_nf_conntrack_entries_limit{{{NODE}}}": steady(0)},
        at="1h",
        why="without a limit nothing is tracked: nought of nought is not full",
    ),
    around("NodeFileDescriptorsFilling", _descriptors, labels=TICKET, far=0.99),
    around("NodeFileDescriptorsExhausted", _descriptors, labels=PAGE, far=0.99),
    # ------------------------------------------------------------------ clock, the watcher
    around("NodeClockSkewed", lambda offset: {f"node_timex_offset_seconds{{{NODE}}}": steady(offset)}, labels=TICKET),
    fires(
        "NodeClockSkewed",
        {f"node_timex_offset_seconds{{{NODE}}}": steady(-0.2)},
        at="30m",
        why="a clock that is ahead is as wrong as one that is behind",
    ),
    quiet(
        "NodeClockSkewed",
        {f"node_timex_offset_seconds{{{NODE}}}": "0x20 0.09-0.0075x11 0x1000"},
        at="12m",
        why="the kernel corrects it at half a millisecond a second, and is done within three minutes",
    ),
    around(
        "NodeClockUnsynchronised",
        lambda bound: {f"node_timex_maxerror_seconds{{{NODE}}}": steady(bound)},
        labels=TICKET,
    ),
    quiet(
        "NodeClockUnsynchronised",
        {f"node_timex_maxerror_seconds{{{NODE}}}": " ".join(["0+0.0075x136"] * 12)},
        at="4h",
        why="a server that is asked each half an hour (2,048 s) lets the bound grow to a second and no more",
    ),
    around(
        "NodeCollectorFailing",
        lambda failing: {f"node_textfile_scrape_error{{{NODE}}}": steady(failing)},
        labels=TICKET | {"collector": "textfile"},
    ),
    fires(
        "NodeCollectorFailing",
        {
            f"node_textfile_scrape_error{{{NODE}}}": steady(1),
            f'node_scrape_collector_success{{{NODE},collector="textfile"}}': steady(1),
        },
        at="20m",
        labels={"collector": "textfile"},
        why="the collector of text files calls a scrape with a broken file a success",
    ),
    quiet(
        "NodeCollectorFailing",
        {f'node_scrape_collector_success{{{NODE},collector="infiniband"}}': steady(0)},
        at="1h",
        why="collectors fail where their hardware is missing: that is no news",
    ),
    fires(
        "NodeCollectorFailing",
        {f'node_scrape_collector_success{{{NODE},collector="cpu"}}': "1x40 0x200"},
        at="25m30s",
        why="15 minutes after it began",
    ),
)
