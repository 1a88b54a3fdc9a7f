"""The database: encrypted, private, backed up, logged, protected."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from obskit.deploy.resource import Resource
from obskit.deploy.security import Answer, Bad, Check, Everything, Good, Moot, at, holds

_OURS = "this is a defect of obskit: report it"
#: The days of backups that Security Hub wants.
_BACKUP_DAYS = 7
#: Authorities that have ended, or end before RDS's newer ones.
_OLD_AUTHORITIES = ("rds-ca-2015", "rds-ca-2019")


def _backed_up(days: int) -> Callable[[Resource, Everything], Iterator[Answer]]:
    def judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
        kept = resource.fields.get("BackupRetentionPeriod") or 0
        fine = isinstance(kept, int) and kept >= days
        yield Good() if fine else Bad(f"backups are kept {kept} days", f"set database.backup_days to {days} or more")

    return judge


def _logs(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    logs = resource.fields.get("EnableCloudwatchLogsExports")
    yield Good() if isinstance(logs, tuple) and "postgresql" in logs else Bad("its log stays in RDS", _OURS)


def _monitored(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    fine = bool(resource.fields.get("MonitoringInterval"))
    yield Good() if fine else Bad("Enhanced Monitoring is off", "rely on Performance Insights, or switch it on")


def _authority(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    name = str(resource.fields.get("CACertificateIdentifier") or "AWS's newest")
    yield Bad(f"its certificate is of {name}", _OURS) if name in _OLD_AUTHORITIES else Good()


def _insights_key(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    if not resource.fields.get("EnablePerformanceInsights"):
        yield Moot("Performance Insights is off")
    elif resource.fields.get("PerformanceInsightsKMSKeyId"):
        yield Good()
    else:
        yield Bad("Performance Insights is encrypted with a key that AWS manages", "use a key of your own")


def _tls(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    fine = str(at(resource.fields, "Parameters", "rds.force_ssl")) == "1"
    yield Good() if fine else Bad("it takes connections without TLS", _OURS)


_KIND = ("database",)
CHECKS = (
    Check(
        ids=("CKV_AWS_16", "RDS.3"),
        title="its storage is encrypted",
        kinds=_KIND,
        judge=holds(("StorageEncrypted",), True, "its storage is not encrypted", _OURS),
    ),
    Check(
        ids=("CKV_AWS_17", "RDS.2"),
        title="it has no public address",
        kinds=_KIND,
        judge=holds(("PubliclyAccessible",), False, "it can be reached from the internet", _OURS),
    ),
    Check(ids=("CKV_AWS_118", "RDS.6"), title="Enhanced Monitoring is on", kinds=_KIND, judge=_monitored),
    Check(ids=("CKV_AWS_129", "RDS.9"), title="its log goes to CloudWatch", kinds=_KIND, judge=_logs),
    Check(ids=("CKV_AWS_133",), title="it is backed up", kinds=_KIND, judge=_backed_up(1)),
    Check(ids=("RDS.11",), title="a week of backups is kept", kinds=_KIND, judge=_backed_up(_BACKUP_DAYS)),
    Check(
        ids=("CKV_AWS_157", "RDS.5"),
        title="a standby is in another zone",
        kinds=_KIND,
        judge=holds(("MultiAZ",), True, "it goes with its zone", "set database.replica = true; it doubles the price"),
    ),
    Check(
        ids=("CKV_AWS_161", "RDS.10"),
        title="users log in by IAM",
        kinds=_KIND,
        judge=holds(("EnableIAMDatabaseAuthentication",), True, "users log in by passwords", "use IAM tokens"),
    ),
    Check(ids=("CKV_AWS_211",), title="its certificate is of a newer authority", kinds=_KIND, judge=_authority),
    Check(
        ids=("CKV_AWS_226", "RDS.13"),
        title="minor upgrades are automatic",
        kinds=_KIND,
        judge=holds(
            ("AutoMinorVersionUpgrade",),
            True,
            "its minor version is pinned",
            "name only the major version in database.engine_version",
        ),
    ),
    Check(
        ids=("CKV_AWS_293", "RDS.8"),
        title="deletion is refused",
        kinds=_KIND,
        judge=holds(("DeletionProtection",), True, "one call deletes it", "set database.protected = true"),
    ),
    Check(
        ids=("CKV_AWS_353",),
        title="Performance Insights is on",
        kinds=_KIND,
        judge=holds(("EnablePerformanceInsights",), True, "nobody sees what it waits for", _OURS),
    ),
    Check(
        ids=("CKV_AWS_354",),
        title="Performance Insights is encrypted with a key of the customer",
        kinds=_KIND,
        judge=_insights_key,
    ),
    Check(
        ids=("CKV2_AWS_60", "RDS.17"),
        title="snapshots bear its tags",
        kinds=_KIND,
        judge=holds(("CopyTagsToSnapshot",), True, "nobody knows whose a snapshot is", _OURS),
    ),
    Check(ids=("CKV2_AWS_69",), title="it takes TLS only", kinds=("db_parameter_group",), judge=_tls),
)
