"""What is kept: images, lines, secrets, objects, messages, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from obskit.deploy.resource import Resource, Value
from obskit.deploy.security import Answer, Bad, Check, Everything, Good, Moot, at, entries, holds

_OURS = "this is a defect of obskit: report it"
_KEY = "use a key of your own"
_YEAR_DAYS = 365


def _present(path: tuple[str, ...], why: str, todo: str) -> Callable[[Resource, Everything], Iterator[Answer]]:
    """Return a judge that wants anything at one path."""

    def judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
        yield Good() if at(resource.fields, *path) else Bad(why, todo)

    return judge


def _a_year(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    days = resource.fields.get("retentionInDays")
    fine = days is None or (isinstance(days, int) and days >= _YEAR_DAYS)
    yield Good() if fine else Bad(f"lines are kept {days} days", f"set telemetry.log_days to {_YEAR_DAYS} or more")


def _statements(policy: Value) -> Iterator[Value]:
    """Yield the statements of a policy in either shape that kinds use."""
    inner = at(policy, "Statement")
    yield from entries(policy if inner is None else inner).values()


def _anybody(statement: Value) -> bool:
    principal = at(statement, "Principal")
    everybody = principal == "*" or at(principal, "AWS") == "*"
    return everybody and at(statement, "Effect") == "Allow" and not at(statement, "Condition")


def _not_public(field: str) -> Callable[[Resource, Everything], Iterator[Answer]]:
    def judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
        bad = any(_anybody(statement) for statement in _statements(resource.fields.get(field)))
        yield Bad("its policy lets anybody in", _OURS) if bad else Good()

    return judge


def _tls_only(field: str) -> Callable[[Resource, Everything], Iterator[Answer]]:
    def judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
        fine = any(
            at(one, "Effect") == "Deny" and at(one, "Condition", "Bool", "aws:SecureTransport") == "false"
            for one in _statements(resource.fields.get(field))
        )
        yield Good() if fine else Bad("it takes requests without TLS", _OURS)

    return judge


def _blocked(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    block = entries(resource.fields, "PublicAccessBlockConfiguration")
    fine = len(block) == 4 and all(block.values())
    yield Good() if fine else Bad("it can be made public", _OURS)


def _own_key(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    kind = at(resource.fields, "Encryption", "SSEAlgorithm")
    if kind is None:
        yield Moot("it is not encrypted by a rule of its own")
    else:
        yield Good() if str(kind).startswith("aws:kms") else Bad("it is encrypted with a key of S3", _KEY)


def _aborts(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    rules = entries(resource.fields, "LifecycleRules").values()
    fine = any(at(rule, "AbortIncompleteMultipartUpload") for rule in rules)
    yield Good() if fine else Bad("uploads that broke off stay for ever", _OURS)


_REPOSITORY, _GROUP, _SECRET, _BUCKET = ("repository",), ("log_group",), ("secret",), ("bucket",)
_ROTATION = _present(("RotationRules",), "nothing rotates it", "rotate it by hand, or by a function of your own")
CHECKS = (
    Check(
        ids=("CKV_AWS_51", "ECR.2"),
        title="a tag never means another image",
        kinds=_REPOSITORY,
        judge=holds(("imageTagMutability",), "IMMUTABLE", "a tag can be moved to another image", _OURS),
    ),
    Check(
        ids=("CKV_AWS_163", "ECR.1"),
        title="images are scanned",
        kinds=_REPOSITORY,
        judge=holds(("imageScanningConfiguration", "scanOnPush"), True, "images are not scanned", _OURS),
    ),
    Check(
        ids=("CKV_AWS_136",),
        title="images are encrypted with a key of the customer",
        kinds=_REPOSITORY,
        judge=holds(
            ("encryptionConfiguration", "encryptionType"), "KMS", "images are encrypted with a key of AWS", _KEY
        ),
    ),
    Check(ids=("CKV_AWS_32",), title="images are not public", kinds=_REPOSITORY, judge=_not_public("repositoryPolicy")),
    Check(
        ids=("ECR.3",),
        title="old images go",
        kinds=_REPOSITORY,
        judge=_present(("lifecyclePolicy",), "images are kept for ever", _OURS),
    ),
    Check(
        ids=("CKV_AWS_66",),
        title="lines are not kept for ever",
        kinds=_GROUP,
        judge=_present(("retentionInDays",), "lines are kept for ever", "set telemetry.log_days"),
    ),
    Check(ids=("CKV_AWS_338", "CloudWatch.16"), title="lines are kept a year", kinds=_GROUP, judge=_a_year),
    Check(
        ids=("CKV_AWS_158",),
        title="lines are encrypted with a key of the customer",
        kinds=_GROUP,
        judge=_present(("kmsKeyId",), "lines are encrypted with a key of AWS", _KEY),
    ),
    Check(
        ids=("CKV_AWS_149",),
        title="secrets are encrypted with a key of the customer",
        kinds=_SECRET,
        judge=_present(("KmsKeyId",), "it is encrypted with a key that AWS manages", _KEY),
    ),
    Check(
        ids=("CKV2_AWS_57", "CKV_AWS_304", "SecretsManager.1"),
        title="secrets are rotated",
        kinds=_SECRET,
        judge=_ROTATION,
    ),
    Check(
        ids=("CKV2_AWS_6", "CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56", "S3.8"),
        title="buckets cannot be made public",
        kinds=_BUCKET,
        judge=_blocked,
    ),
    Check(
        ids=("CKV_AWS_70",),
        title="policies of buckets let nobody unknown in",
        kinds=_BUCKET,
        judge=_not_public("Policy"),
    ),
    Check(ids=("S3.5",), title="buckets take TLS only", kinds=_BUCKET, judge=_tls_only("Policy")),
    Check(
        ids=("CKV_AWS_19",),
        title="objects are encrypted",
        kinds=_BUCKET,
        judge=_present(("Encryption", "SSEAlgorithm"), "objects are encrypted by AWS's default alone", _OURS),
    ),
    Check(
        ids=("CKV_AWS_145",), title="objects are encrypted with a key of the customer", kinds=_BUCKET, judge=_own_key
    ),
    Check(
        ids=("CKV_AWS_21",),
        title="old versions of objects are kept",
        kinds=_BUCKET,
        judge=holds(("Versioning",), "Enabled", "what is overwritten is gone", _OURS),
    ),
    Check(
        ids=("CKV2_AWS_65", "S3.12"),
        title="no access lists are used",
        kinds=_BUCKET,
        judge=holds(("ObjectOwnership",), "BucketOwnerEnforced", "access lists can let others in", _OURS),
    ),
    Check(
        ids=("CKV2_AWS_61", "S3.13"),
        title="objects have a life cycle",
        kinds=_BUCKET,
        judge=_present(("LifecycleRules",), "objects are kept for ever", _OURS),
    ),
    Check(ids=("CKV_AWS_300",), title="uploads that broke off go", kinds=_BUCKET, judge=_aborts),
    Check(
        ids=("CKV_AWS_27", "SQS.1"),
        title="messages are encrypted",
        kinds=("queue",),
        judge=holds(("SqsManagedSseEnabled",), True, "messages are not encrypted", _OURS),
    ),
    Check(
        ids=("CKV_AWS_42", "CKV_AWS_184"),
        title="file systems are encrypted",
        kinds=("file_system",),
        judge=holds(("Encrypted",), True, "it is not encrypted", _OURS),
    ),
    Check(
        ids=("CKV_AWS_329", "CKV_AWS_330"),
        title="access points have a root and a user of their own",
        kinds=("access_point",),
        judge=_present(("PosixUser",), "whoever mounts it chooses who he is", _OURS),
    ),
)
