"""S3 buckets: their names, their settings in one shape, and how they are emptied.

A setting is one field of a bucket. Each is read by one call and written by one, so that an interrupted
creation is mended setting by setting.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from obskit.deploy.aws import Aws, absent, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Fields, Place, Value

#: What S3 says where a setting was never made and `absent` does not know it.
_NEVER_SET = ("ServerSideEncryptionConfigurationNotFoundError", "OwnershipControlsNotFoundError")
#: How many objects S3 takes in one deletion.
_BATCH = 1000
_POLICY_VERSION = "2012-10-17"


def bucket_name(stack: str, purpose: str, place: Place) -> str:
    """Return the name of a bucket of a stack; account and region make it unique in the world.

    Args:
        stack: Name of the stack, at most 20 characters; then it stays below S3's 63.
        purpose: ``loki``, ``config``, ``logs``.
        place: Where the stack stands.
    """
    return f"{stack}-{purpose}-{place.account}-{place.region}"


def bucket_arn(name: str, place: Place) -> str:
    """Return a bucket's ARN."""
    return place.arn("s3", name, region="", account="")


@dataclass(frozen=True, slots=True)
class Setting:
    """How one field of a bucket is read and written.

    Attributes:
        read: Returns its value; None where S3 holds none.
        write: Puts a value; None takes it away.
    """

    read: Callable[[Aws, str], Value]
    write: Callable[[Aws, str, Any], None]


def read_settings(aws: Aws, bucket: str) -> Fields:
    """Return all settings that a bucket has."""
    found = {name: setting.read(aws, bucket) for name, setting in SETTINGS.items()}
    return {name: value for name, value in found.items() if value is not None}


def read_tags(aws: Aws, bucket: str) -> dict[str, str]:
    """Return a bucket's tags; none where it was never tagged."""
    found = _read(aws, "get_bucket_tagging", bucket).get("TagSet") or ()
    return {str(tag["Key"]): str(tag["Value"]) for tag in found}


def empty(aws: Aws, bucket: str, prefix: str = "") -> None:
    """Delete all objects, with all versions of them, and what was never uploaded to its end.

    Args:
        aws: Where.
        bucket: Its name; that there is none is no error.
        prefix: Only keys that begin so.

    Raises:
        DeployError: S3 keeps an object.
    """
    while True:
        answer = quiet(lambda: aws.call("s3", "list_object_versions", Bucket=bucket, Prefix=prefix, MaxKeys=_BATCH))
        rows = [row for key in ("Versions", "DeleteMarkers") for row in (answer or {}).get(key) or ()]
        if not rows:
            break
        delete_keys(aws, bucket, [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows])
    uploads = quiet(lambda: list(aws.pages("s3", "list_multipart_uploads", "Uploads", Bucket=bucket, Prefix=prefix)))
    for upload in uploads or ():
        key, number = upload["Key"], upload["UploadId"]
        quiet(
            lambda key=key, number=number: aws.call(  # type: ignore[misc]
                "s3", "abort_multipart_upload", idempotent=True, Bucket=bucket, Key=key, UploadId=number
            )
        )


def delete_keys(aws: Aws, bucket: str, keys: list[dict[str, str]]) -> None:
    """Delete objects.

    Args:
        aws: Where.
        bucket: Its name.
        keys: ``Key``, and ``VersionId`` where one version is meant.

    Raises:
        DeployError: S3 keeps one of them.
    """
    for start in range(0, len(keys), _BATCH):
        batch = {"Objects": keys[start : start + _BATCH], "Quiet": True}
        answer = aws.call("s3", "delete_objects", idempotent=True, Bucket=bucket, Delete=batch)
        for error in answer.get("Errors") or ():
            raise DeployError(
                f"S3 keeps {error.get('Key')} in {bucket}",
                where={"aws": f"{error.get('Code')} {error.get('Message', '')}".strip()},
                hint="look for a bucket policy or an object lock that forbids deletion",
            )


def _read(aws: Aws, method: str, bucket: str) -> Mapping[str, Any]:
    """Ask for a setting; nothing where it was never made, or where the bucket is gone meanwhile."""
    try:
        answer: Mapping[str, Any] = aws.call("s3", method, Bucket=bucket)
    except AwsError as error:
        if absent(error) or error.code in _NEVER_SET:
            return {}
        raise
    return answer


def _put(aws: Aws, method: str, bucket: str, **asked: Any) -> None:
    aws.call("s3", method, idempotent=True, settle=True, Bucket=bucket, **asked)


def _remove(aws: Aws, method: str, bucket: str) -> None:
    quiet(lambda: aws.call("s3", method, idempotent=True, Bucket=bucket))


def _read_block(aws: Aws, bucket: str) -> Value:
    found = _read(aws, "get_public_access_block", bucket).get("PublicAccessBlockConfiguration")
    return {str(key): bool(value) for key, value in found.items()} if found else None


def _write_block(aws: Aws, bucket: str, value: Any) -> None:
    _put(aws, "put_public_access_block", bucket, PublicAccessBlockConfiguration=dict(value))


def _read_ownership(aws: Aws, bucket: str) -> Value:
    rules = _read(aws, "get_bucket_ownership_controls", bucket).get("OwnershipControls", {}).get("Rules") or ()
    return str(rules[0]["ObjectOwnership"]) if rules else None


def _write_ownership(aws: Aws, bucket: str, value: Any) -> None:
    controls = {"Rules": [{"ObjectOwnership": value}]}
    _put(aws, "put_bucket_ownership_controls", bucket, OwnershipControls=controls)


def _read_encryption(aws: Aws, bucket: str) -> Value:
    answer = _read(aws, "get_bucket_encryption", bucket).get("ServerSideEncryptionConfiguration", {})
    rules = answer.get("Rules") or ()
    return dict(rules[0].get("ApplyServerSideEncryptionByDefault") or {}) if rules else None


def _write_encryption(aws: Aws, bucket: str, value: Any) -> None:
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": dict(value)}]}
    _put(aws, "put_bucket_encryption", bucket, ServerSideEncryptionConfiguration=rules)


def _read_versioning(aws: Aws, bucket: str) -> Value:
    # What once had versions can only be suspended, never be without: both mean that none is kept.
    return "Enabled" if _read(aws, "get_bucket_versioning", bucket).get("Status") == "Enabled" else None


def _write_versioning(aws: Aws, bucket: str, value: Any) -> None:
    _put(aws, "put_bucket_versioning", bucket, VersioningConfiguration={"Status": value or "Suspended"})


def _read_lifecycle(aws: Aws, bucket: str) -> Value:
    rules = _read(aws, "get_bucket_lifecycle_configuration", bucket).get("Rules") or ()
    return {str(rule.get("ID", "")): _rule(rule) for rule in rules} or None


def _rule(rule: Mapping[str, Any]) -> Fields:
    """Return a rule without its id, and without the filter that lets all objects through."""
    everything: tuple[object, ...] = ({}, {"Prefix": ""}, "", None)
    return {
        key: dict(value) if isinstance(value, Mapping) else _plain(value)
        for key, value in rule.items()
        if key != "ID" and not (key in ("Filter", "Prefix") and value in everything)
    }


def _write_lifecycle(aws: Aws, bucket: str, value: Any) -> None:
    if not value:
        _remove(aws, "delete_bucket_lifecycle", bucket)
        return
    rules = [{"ID": name, "Filter": {"Prefix": ""}, **rule} for name, rule in sorted(value.items())]
    _put(aws, "put_bucket_lifecycle_configuration", bucket, LifecycleConfiguration={"Rules": rules})


def _read_policy(aws: Aws, bucket: str) -> Value:
    text = _read(aws, "get_bucket_policy", bucket).get("Policy")
    if not text:
        return None
    statements = json.loads(text).get("Statement") or ()
    rows = [statements] if isinstance(statements, dict) else statements
    return {
        str(row.get("Sid") or f"statement-{number}"): {
            k: "*" if k == "Principal" and v == {"AWS": "*"} else _plain(v)  # S3 takes the two for one
            for k, v in row.items()
            if k != "Sid"
        }
        for number, row in enumerate(rows, 1)
    }


def _plain(value: Any) -> Value:
    """Return JSON as fields hold it; a list of one is as good as the one."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return _plain(value[0]) if len(value) == 1 else tuple(sorted((_plain(v) for v in value), key=str))
    plain: Value = value
    return plain


def _write_policy(aws: Aws, bucket: str, value: Any) -> None:
    if not value:
        _remove(aws, "delete_bucket_policy", bucket)
        return
    statements = [{"Sid": name, **statement} for name, statement in sorted(value.items())]
    _put(aws, "put_bucket_policy", bucket, Policy=json.dumps({"Version": _POLICY_VERSION, "Statement": statements}))


#: In the order in which they are written: nothing is public for a moment.
SETTINGS: Mapping[str, Setting] = {
    "PublicAccessBlockConfiguration": Setting(_read_block, _write_block),
    "ObjectOwnership": Setting(_read_ownership, _write_ownership),
    "Encryption": Setting(_read_encryption, _write_encryption),
    "Policy": Setting(_read_policy, _write_policy),
    "Versioning": Setting(_read_versioning, _write_versioning),
    "LifecycleRules": Setting(_read_lifecycle, _write_lifecycle),
}
