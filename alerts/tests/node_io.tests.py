"""Tests of the alerts on disks, filesystems and network of nodes."""

from collections.abc import Callable

from obskit.ascode.alerts import around, changing, counting, fires, quiet, steady

NODE = 'instance="n1:9100"'
ROOT = f'{NODE},device="/dev/nvme0n1p1",fstype="ext4",mountpoint="/"'
TICKET = {"instance": "n1:9100", "mountpoint": "/", "severity": "ticket"}
PAGE = {"instance": "n1:9100", "mountpoint": "/", "severity": "page"}

#: No disk is that busy; a new counter's rate needs five minutes to tell a share, and this shows at once.
AT_ONCE = 30.0
_SIZE = 100e9
_HOUR = 3600.0


def _writable(readonly: int = 0) -> dict[str, str]:
    return {f"node_filesystem_readonly{{{ROOT}}}": steady(readonly)}


def _disk(free: str, readonly: int = 0) -> dict[str, str]:
    """Return a filesystem of 100 GB whose free bytes are these."""
    size = {f"node_filesystem_size_bytes{{{ROOT}}}": steady(_SIZE)}
    return {f"node_filesystem_avail_bytes{{{ROOT}}}": free} | size | _writable(readonly)


def _inodes(free: str, readonly: int = 0) -> dict[str, str]:
    """Return a filesystem of 100 thousand million inodes of which these are free."""
    size = {f"node_filesystem_files{{{ROOT}}}": steady(_SIZE)}
    return {f"node_filesystem_files_free{{{ROOT}}}": free} | size | _writable(readonly)


def _used(share: float) -> str:
    """Return what is free when a share is used."""
    return steady((1 - share) * _SIZE)


def _filling(used: float, at_hours: float, per_hour: float) -> str:
    """Return what is free of a filesystem that fills, and has a share used after so many hours."""
    return changing((1 - used + per_hour * at_hours) * _SIZE, -per_hour * _SIZE / _HOUR)


def _to(share: float, ahead_hours: float, used: float, at_hours: float) -> str:
    """Return what is free when so many hours ahead this share will be used."""
    return _filling(used, at_hours, (share - used) / ahead_hours)


def _drive(
    of: Callable[[str], dict[str, str]], ahead: float, used: float, at: float
) -> Callable[[float], dict[str, str]]:
    return lambda share: of(_to(share, ahead, used, at))


def _packets(share: float, per_second: float = 1000.0) -> dict[str, str]:
    eth0 = f'{NODE},device="eth0"'
    return {
        f"node_network_receive_errs_total{{{eth0}}}": counting(share * per_second),
        f"node_network_transmit_errs_total{{{eth0}}}": counting(0),
        f"node_network_receive_packets_total{{{eth0}}}": counting(per_second / 2),
        f"node_network_transmit_packets_total{{{eth0}}}": counting(per_second / 2),
    }


def _queue(waiting: float, busy: float = 1.0) -> dict[str, str]:
    disk = f'{NODE},device="nvme0n1"'
    return {
        f"node_disk_io_time_weighted_seconds_total{{{disk}}}": counting(waiting),
        f"node_disk_io_time_seconds_total{{{disk}}}": counting(busy),
    }


_EIGHT_PERCENT_AN_HOUR = _filling(0.85, 0, 0.08)

TESTS = (
    # ------------------------------------------------------------------------------ space
    around("NodeDiskFull", lambda share: _disk(_used(share)), labels=PAGE, bad=0.975, good=0.965, far=0.995),
    quiet("NodeDiskFull", _disk(_used(1), readonly=1), at="1h", why="an image is full on purpose"),
    around("NodeDiskAlmostFull", lambda share: _disk(_used(share)), labels=TICKET, bad=0.955, good=0.945, far=0.99),
    quiet("NodeDiskAlmostFull", _disk(_used(1), readonly=1), at="2h", why="an image is full on purpose"),
    around("NodeDiskFullSoon", _drive(_disk, 4, 0.9, 1.6), labels=PAGE, bad=1.02, good=0.98, far=1.05),
    fires("NodeDiskFullSoon", _disk(_EIGHT_PERCENT_AN_HOUR), at="34m", why="half an hour after it began, not an hour"),
    quiet("NodeDiskFullSoon", _disk(_EIGHT_PERCENT_AN_HOUR), at="29m", why="half an hour, not a quarter of one"),
    quiet("NodeDiskFullSoon", _disk(_filling(0.5, 0, 0.2)), at="1h10m", why="72 % used: the ticket is in time"),
    quiet("NodeDiskFullSoon", _disk(_filling(0.94, 0, 0.06)), at="1h", why="from 97 % on NodeDiskFull pages"),
    fires(
        "NodeDiskFullSoon",
        _disk(_filling(0.93, 0, 0.06)),
        at="47m",
        why="97 % were passed seven minutes ago, and NodeDiskFull takes ten: no gap",
    ),
    quiet(
        "NodeDiskFullSoon",
        _disk(f"{15e9:g}x40 {15e9:g}-{2e8:g}x40 {15e9:g}x400"),
        at="25m",
        why="a compaction fills 8 % in ten minutes and gives them back",
    ),
    quiet("NodeDiskFullSoon", _disk(_EIGHT_PERCENT_AN_HOUR, readonly=1), at="1h", why="nobody writes there"),
    around("NodeDiskFilling", _drive(_disk, 24, 0.7, 3), labels=TICKET, bad=1.05, good=0.95, far=1.2),
    fires("NodeDiskFilling", _disk(_filling(0.65, 0, 0.03)), at="2h4m", why="two hours after it began"),
    quiet("NodeDiskFilling", _disk(_filling(0.3, 0, 0.05)), at="4h", why="half of it is free"),
    quiet(
        "NodeDiskFilling",
        _disk(f"{30e9:g}x40 {30e9:g}-{2e7:g}x360 {30e9:g}x1500"),
        at="2h20m",
        why="a backup that takes an hour and a half is no trend",
    ),
    quiet("NodeDiskFilling", _disk(_filling(0.65, 0, 0.03), readonly=1), at="4h", why="nobody writes there"),
    around(
        "NodeFilesystemReadOnly",
        lambda readonly: {f"node_filesystem_readonly{{{ROOT}}}": f"0 {readonly:g}x1900"},
        labels=PAGE,
        bad=1,
        good=0.95,
        far=1,
    ),
    quiet("NodeFilesystemReadOnly", _writable(readonly=1), at="1h", why="it was never writable: it is meant so"),
    # ----------------------------------------------------------------------------- inodes
    around("NodeInodesExhausted", lambda share: _inodes(_used(share)), labels=PAGE, bad=0.975, good=0.965, far=0.995),
    quiet("NodeInodesExhausted", _inodes(_used(1), readonly=1), at="1h", why="an image has no inode to spare"),
    quiet(
        "NodeInodesExhausted",
        {
            f"node_filesystem_files_free{{{ROOT}}}": steady(0),
            f"node_filesystem_files{{{ROOT}}}": steady(0),
            **_writable(),
        },
        at="1h",
        why="XFS on EFS and btrfs count no inodes: nought of nought is not full",
    ),
    around("NodeInodesAlmostExhausted", lambda s: _inodes(_used(s)), labels=TICKET, bad=0.955, good=0.945, far=0.99),
    quiet("NodeInodesAlmostExhausted", _inodes(_used(1), readonly=1), at="2h", why="an image has no inode to spare"),
    around("NodeInodesFilling", _drive(_inodes, 24, 0.7, 3), labels=TICKET, bad=1.05, good=0.95, far=1.2),
    fires("NodeInodesFilling", _inodes(_filling(0.65, 0, 0.03)), at="2h4m", why="two hours after it began"),
    quiet("NodeInodesFilling", _inodes(_filling(0.3, 0, 0.05)), at="4h", why="half of them are free"),
    quiet("NodeInodesFilling", _inodes(_filling(0.94, 0, 0.02)), at="3h", why="NodeInodesAlmostExhausted says it"),
    quiet("NodeInodesFilling", _inodes(_filling(0.65, 0, 0.03), readonly=1), at="4h", why="nobody writes there"),
    # ---------------------------------------------------------------- disks' speed, network
    around(
        "NodeDiskSaturated",
        lambda waiting: _queue(waiting, busy=AT_ONCE),
        labels={"instance": "n1:9100", "severity": "ticket"},
    ),
    fires("NodeDiskSaturated", _queue(20, busy=0.92), at="1h", why="nine tenths busy is no pause to speak of"),
    quiet(
        "NodeDiskSaturated", _queue(64, busy=0.85), at="1h", why="an NVMe disk takes 64 requests at once, and pauses"
    ),
    around(
        "NodeNetworkErrors", _packets, labels={"instance": "n1:9100", "device": "eth0", "severity": "ticket"}, far=0.2
    ),
    quiet(
        "NodeNetworkErrors", _packets(0.1, per_second=5), at="2h", why="of five packets a second a share says nothing"
    ),
    quiet(
        "NodeNetworkErrors",
        {key.replace("eth0", "veth12"): values for key, values in _packets(0.2).items()},
        at="2h",
        why="a container's end of the wire counts the same packets again",
    ),
)
