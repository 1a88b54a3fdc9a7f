"""Alerts on the disks, filesystems and network of machines that a Node Exporter watches."""

from functools import partial

from obskit.ascode.alerts import Condition, alert

_page = partial(alert, severity="page", kind="cause")
_ticket = partial(alert, severity="ticket", kind="cause")

_USED = partial(Condition, signal="node_disk_used_ratio")
_INODES_USED = partial(Condition, signal="node_inodes_used_ratio")
_WRITABLE = Condition(
    signal="node_filesystem_readonly",
    op="<",
    value=1,
    reason="images, boot media and the root of Bottlerocket are always full",
)
_NIGHTLY = "one hour's line over a day takes every nightly job for a trend; two hours outlast most of them"

RULES = (
    # ------------------------------------------------------------------------------ space
    # Covers: NodeFilesystemAlmostOutOfSpace
    _page(
        "NodeDiskFull",
        "node_disk_used_ratio",
        cause="disk_full",
        summary="{mountpoint} of {instance} is {value} full",
        description=(
            "At 100% every write fails: databases, brokers and log shippers stop. Free space, then find what grew."
        ),
        hold="10m",
        hold_reason="a sort or an unpacked archive passes 97 % for minutes and gives it back",
        where=(_WRITABLE,),
    ),
    # Covers: NodeFilesystemSpaceFillingUp
    _page(
        "NodeDiskFullSoon",
        "node_disk_used_ratio",
        cause="disk_full",
        level=1,
        reason="nothing can be written to a filesystem that is full",
        ahead="4h",
        summary="{mountpoint} of {instance} will be full within 4 hours",
        description=(
            "At the pace of the last hour it will be {value} full in 4 hours. Find the writer while there is room."
        ),
        hold="30m",
        hold_reason="compactions and rotations grow for some minutes and then give back; what fills a disk goes on",
        keep="10m",
        keep_reason="from 97 % on NodeDiskFull takes over after its own ten minutes: no gap between the two",
        where=(
            _USED(op=">=", value=0.8, reason="with a fifth free there is time for the ticket, whatever one hour says"),
            _USED(op="<", value=0.97, reason="from there on NodeDiskFull says it"),
            _WRITABLE,
        ),
    ),
    # Covers: NodeFilesystemSpaceFillingUp
    _ticket(
        "NodeDiskFilling",
        "node_disk_used_ratio",
        cause="disk_full",
        level=1,
        reason="nothing can be written to a filesystem that is full",
        ahead="1d",
        summary="{mountpoint} of {instance} will be full within a day",
        description=(
            "At the last hour's pace it will be {value} full tomorrow. Find what grows; rotate it, or enlarge the disk."
        ),
        hold="2h",
        hold_reason=_NIGHTLY,
        where=(
            _USED(op=">=", value=0.6, reason="as node-mixin: with 40 % free there is time even at twice the pace"),
            _WRITABLE,
        ),
    ),
    # Covers: NodeFilesystemAlmostOutOfSpace
    _ticket(
        "NodeDiskAlmostFull",
        "node_disk_used_ratio",
        cause="disk_full",
        level="warn",
        summary="{mountpoint} of {instance} is {value} full",
        description="It need not grow any more for the next large file to fail. Clean up, or enlarge it.",
        hold="30m",
        hold_reason="temporary files are gone in half an hour; what is left is how full the disk is",
        where=(_WRITABLE,),
    ),
    _page(
        "NodeFilesystemReadOnly",
        "node_filesystem_turned_readonly",
        summary="{mountpoint} of {instance} became read-only",
        description=(
            "The kernel protects it after an error of the disk; every write fails. Move the work to another node."
        ),
        hold="2m",
        hold_reason="a remount for maintenance is over within two minutes; users' writes fail meanwhile",
    ),
    # ----------------------------------------------------------------------------- inodes
    # Covers: NodeFilesystemAlmostOutOfFiles
    _page(
        "NodeInodesExhausted",
        "node_inodes_used_ratio",
        cause="disk_full",
        summary="{mountpoint} of {instance} has used {value} of its inodes",
        description=(
            "At 100% no file can be created although there is space. Delete small files: ext4 cannot get more inodes."
        ),
        hold="10m",
        hold_reason="builds and unpacked images create and delete files by the hundred thousand within minutes",
        where=(_WRITABLE,),
    ),
    # Covers: NodeFilesystemAlmostOutOfFiles
    _ticket(
        "NodeInodesAlmostExhausted",
        "node_inodes_used_ratio",
        cause="disk_full",
        level="warn",
        summary="{mountpoint} of {instance} has used {value} of its inodes",
        description="A twentieth is left, however much space there is. Clean the directory with the most files.",
        hold="1h",
        hold_reason="caches and builds clean up within the hour, and there are two points left to the page",
        where=(_WRITABLE,),
    ),
    # Covers: NodeFilesystemFilesFillingUp
    _ticket(
        "NodeInodesFilling",
        "node_inodes_used_ratio",
        cause="disk_full",
        level=1,
        reason="no file can be created without an inode",
        ahead="1d",
        summary="{mountpoint} of {instance} will have no inode left within a day",
        description="At the pace of the last hour {value} of them are used tomorrow. Find what creates small files.",
        hold="2h",
        hold_reason=_NIGHTLY,
        where=(
            _INODES_USED(op=">=", value=0.6, reason="as node-mixin: 40 % of the inodes are time enough"),
            _INODES_USED(op="<", value=0.95, reason="from there on NodeInodesAlmostExhausted says it"),
            _WRITABLE,
        ),
    ),
    # ---------------------------------------------------------------- disks' speed, network
    # Covers: NodeDiskIOSaturation
    _ticket(
        "NodeDiskSaturated",
        "node_disk_queue",
        cause="node_pressure",
        level="warn",
        summary="{value} requests wait for a disk of {instance}",
        description=(
            "Whatever reads or writes there waits. Find the writer, or compare with the volume's IOPS and throughput."
        ),
        hold="30m",
        hold_reason="backups, compactions and image pulls fill the queue for minutes, as they should",
        where=(
            Condition(
                signal="node_disk_busy_ratio",
                op=">=",
                value=0.9,
                reason="NVMe disks work on many requests at once: a long queue with pauses is their strength",
            ),
        ),
    ),
    # Covers: NodeNetworkReceiveErrs, NodeNetworkTransmitErrs
    _ticket(
        "NodeNetworkErrors",
        "node_network_error_ratio",
        cause="network_unreachable",
        level="warn",
        summary="{value} of the packets at {device} of {instance} are damaged",
        description=(
            "Connections send again and get slow. Move the work to another node; the old one goes back to AWS."
        ),
        hold="30m",
        hold_reason="a link that is set up anew counts errors for seconds; a bad one goes on",
    ),
)
# Left out: NodeRAIDDegraded: EBS and Fargate's storage have no md RAID.
# Left out: NodeRAIDDiskFailure: EBS and Fargate's storage have no md RAID.
# Left out: NodeBondingDegraded: instances in a VPC have no bonded interfaces.
