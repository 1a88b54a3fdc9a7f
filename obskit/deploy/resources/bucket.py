"""The stack's S3 buckets: Loki's chunks, the services' configurations, the load balancer's access logs.

Encryption is S3's own (AES256) and not KMS: with it the ETag of an object is the MD5 of its content, by
which `configuration` tells whether a file is what it shall be without reading it; and the load balancer
can write access logs to no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import STACK_TAG, Attributes, Fields, Kind, Observed, Place, Resource, Stack, touched
from obskit.deploy.resources import _s3
from obskit.deploy.resources._tags import as_list
from obskit.deploy.spec import StackSpec

_PURPOSES = ("config", "logs", "loki")
#: Purposes whose content nobody else has; configurations are made from the spec.
_DATA = ("logs", "loki")
#: Loki deletes its chunks itself; S3 does it a week later in case Loki has not.
_GRACE_DAYS = 7
#: Parts of an upload that broke off are paid for and seen by nobody.
_ABORT_DAYS = 7
#: Configurations that were overwritten or deleted can be got back that long.
_OLD_VERSION_DAYS = 90
#: S3 creates a bucket there only where no region is named.
_FIRST_REGION = "us-east-1"
#: How often a bucket is emptied again because something still writes to it.
_EMPTYINGS = 5


class BucketKind(Kind):
    """A private, encrypted bucket that takes nothing but TLS."""

    name = "bucket"
    replace_on = ("Bucket",)
    patience_seconds = 3600.0

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the buckets for configurations and Loki, and the one for access logs where they are wanted."""
        days = {"loki": spec.telemetry.loki_days + _GRACE_DAYS, "logs": spec.telemetry.log_days, "config": 0}
        purposes = [p for p in _PURPOSES if p != "logs" or spec.entry.access_logs]
        for purpose in purposes:
            bucket = _s3.bucket_name(spec.name, purpose, place)
            yield Resource(kind=self.name, name=purpose, fields=_fields(bucket, purpose, days[purpose], place))

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the buckets that bear the stack's exact names, tagged or not yet, unless another stack's tag."""
        names = {_s3.bucket_name(stack.name, purpose, stack.place): purpose for purpose in _PURPOSES}
        for row in aws.pages("s3", "list_buckets", "Buckets", Prefix=f"{stack.name}-"):
            bucket = str(row["Name"])
            if bucket not in names:
                continue
            tags = _s3.read_tags(aws, bucket)
            if tags.get(STACK_TAG, stack.name) == stack.name:
                yield Observed(
                    kind=self.name,
                    name=names[bucket],
                    fields={"Bucket": bucket, **_s3.read_settings(aws, bucket)},
                    attributes=_attributes(bucket, stack.place),
                    tags=tags,
                    keeps_data=names[bucket] in _DATA,
                )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one, or go on with one that an interrupted run has made; then its tags and settings.

        Whose it is comes first: in the first region S3 lets one create one's own bucket again without a word.

        Raises:
            DeployError: The name belongs to another account or another stack.
        """
        bucket = str(resource.fields["Bucket"])
        if not _is_there(aws, bucket):
            region = stack.place.region
            where = None if region == _FIRST_REGION else {"LocationConstraint": region}
            try:
                aws.call("s3", "create_bucket", settle=True, Bucket=bucket, CreateBucketConfiguration=where)
            except AwsError as error:
                if error.code == "BucketAlreadyExists":
                    raise _taken(bucket, "another account") from error
                if error.code != "BucketAlreadyOwnedByYou":
                    raise
        other = _s3.read_tags(aws, bucket).get(STACK_TAG, stack.name)
        if other != stack.name:
            raise _taken(bucket, f"stack {other}")
        _tag(aws, bucket, resource.tags)
        for name, setting in _s3.SETTINGS.items():
            if resource.fields.get(name) is not None:
                setting.write(aws, bucket, resource.fields[name])
        return _attributes(bucket, stack.place)

    def foreseen(self, resource: Resource) -> Attributes:
        """Return its name."""
        return {"name": str(resource.fields["Bucket"])}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write the settings that differ."""
        bucket = before.attributes["name"]
        for name, setting in _s3.SETTINGS.items():
            if touched(paths, name):
                setting.write(aws, bucket, resource.fields.get(name))
        return _attributes(bucket, stack.place)

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags beside those that others have put."""
        _tag(aws, before.attributes["name"], {**(before.tags or {}), **tags})

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete all that it holds, all versions included, and then the bucket.

        Raises:
            DeployError: S3 keeps an object, or nothing but its name says that it is the stack's.
            AwsError: Something writes to it faster than it is emptied.
        """
        bucket = before.attributes["name"]
        if STACK_TAG not in (before.tags or {}):
            raise DeployError(
                f"the bucket {bucket} bears no tag of the stack and is not deleted",
                where={"bucket": bucket, "tag": f"{STACK_TAG} = {stack.name}"},
                hint="delete it by hand; or run `obskit deploy apply`, which tags it, and try again",
            )
        for attempt in range(1, _EMPTYINGS + 1):
            _s3.empty(aws, bucket)
            try:
                quiet(lambda: aws.call("s3", "delete_bucket", idempotent=True, settle=True, Bucket=bucket))
                return
            except AwsError as error:
                if error.code != "BucketNotEmpty" or attempt == _EMPTYINGS:
                    raise


def _fields(bucket: str, purpose: str, days: int, place: Place) -> Fields:
    return {
        "Bucket": bucket,
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "ObjectOwnership": "BucketOwnerEnforced",
        "Encryption": {"SSEAlgorithm": "AES256"},
        "Policy": _policy(bucket, purpose, place),
        # Loki and the load balancer write each object once: versions would only keep what was deleted on purpose.
        "Versioning": "Enabled" if purpose == "config" else None,
        "LifecycleRules": _lifecycle(purpose, days),
    }


def _policy(bucket: str, purpose: str, place: Place) -> Fields:
    arn = _s3.bucket_arn(bucket, place)
    statements: dict[str, Fields] = {
        "DenyPlainHttp": {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": (arn, f"{arn}/*"),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    }
    if purpose == "logs":
        balancers = place.arn("elasticloadbalancing", "loadbalancer/*")
        statements["LoadBalancerWritesLogs"] = {
            "Effect": "Allow",
            # a service principal of no partition's own suffix: AWS names it so everywhere
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"{arn}/AWSLogs/{place.account}/*",
            "Condition": {"ArnLike": {"aws:SourceArn": balancers}},
        }
    return statements


def _lifecycle(purpose: str, days: int) -> Fields:
    abort: Fields = {
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _ABORT_DAYS},
    }
    if purpose == "config":
        # The current version never expires: a task that starts a year from now reads it.
        old: Fields = {"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": _OLD_VERSION_DAYS}}
        return {"abort-uploads": abort, "expire-old-versions": old}
    return {"abort-uploads": abort, "expire": {"Status": "Enabled", "Expiration": {"Days": days}}}


def _attributes(bucket: str, place: Place) -> Attributes:
    return {"name": bucket, "arn": _s3.bucket_arn(bucket, place)}


def _is_there(aws: Aws, bucket: str) -> bool:
    """Tell whether this account has a bucket; a HEAD would be answered for another account's, too, if that lets us."""
    return any(row["Name"] == bucket for row in aws.pages("s3", "list_buckets", "Buckets", Prefix=bucket))


def _tag(aws: Aws, bucket: str, tags: Mapping[str, str]) -> None:
    aws.call("s3", "put_bucket_tagging", idempotent=True, settle=True, Bucket=bucket, Tagging={"TagSet": as_list(tags)})


def _taken(bucket: str, owner: str) -> DeployError:
    return DeployError(
        f"the bucket {bucket} belongs to {owner}", where={"bucket": bucket}, hint="give the stack another name"
    )


KIND = BucketKind()
