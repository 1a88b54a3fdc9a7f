"""Buckets: private, encrypted, TLS only; found by their names, mended setting by setting, emptied when deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import boto3
import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import STACK_TAG, Place, Resource, Stack
from obskit.deploy.resources.bucket import KIND
from obskit.deploy.spec import Entry, StackSpec
from tests.support import kinds
from tests.support.stack import example_spec

pytestmark = pytest.mark.usefixtures("data_as_aws")

PURPOSES = ("config", "logs", "loki")


def resource(purpose: str, place: Place) -> Resource:
    """Return one wanted bucket of a stack with access logs."""
    spec = example_spec(entry=Entry(access_logs=True))
    return {one.name: one for one in KIND.wanted(spec, place)}[purpose]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_bucket_that_was_created_differs_in_nothing(aws: Aws, stack: Stack, place: Place, purpose: str) -> None:
    """What create writes is what observe reads."""
    wanted = resource(purpose, place)

    found = kinds.made(KIND, aws, stack, wanted)

    assert frozenset() == kinds.paths_that_differ(KIND, aws, stack, wanted)
    assert found.attributes["name"] == f"shop-{purpose}-123456789012-eu-west-1"
    assert found.attributes["arn"] == f"arn:aws:s3:::shop-{purpose}-123456789012-eu-west-1"
    assert found.tags is not None
    assert found.tags[STACK_TAG] == "shop"


def test_a_bucket_for_access_logs_is_wanted_only_with_access_logs(spec: StackSpec, place: Place) -> None:
    """No access logs, no bucket for them."""
    assert {"config", "loki"} == {one.name for one in KIND.wanted(spec, place)}


def test_only_the_load_balancers_of_the_account_may_write_access_logs(place: Place) -> None:
    """The statement names the place where the load balancer puts its logs, and whose it is."""
    policy = resource("logs", place).fields["Policy"]

    assert isinstance(policy, dict)
    allowed = policy["LoadBalancerWritesLogs"]
    assert allowed["Resource"] == "arn:aws:s3:::shop-logs-123456789012-eu-west-1/AWSLogs/123456789012/*"
    assert allowed["Condition"] == {
        "ArnLike": {"aws:SourceArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/*"}
    }
    assert resource("loki", place).fields["Policy"].keys() == {"DenyPlainHttp"}  # type: ignore[union-attr]


def test_loki_has_a_week_to_delete_its_chunks_before_s3_does(place: Place) -> None:
    """S3's rule comes after Loki's own retention of 31 days."""
    rules = resource("loki", place).fields["LifecycleRules"]

    assert isinstance(rules, dict)
    assert rules["expire"]["Expiration"] == {"Days": 38}


def test_data_is_kept_and_configurations_can_be_made_anew(aws: Aws, stack: Stack, place: Place) -> None:
    """Only what the spec cannot give back counts as data."""
    for purpose in PURPOSES:
        kinds.made(KIND, aws, stack, resource(purpose, place))

    found = kinds.all_seen(KIND, aws, stack)

    assert {name: one.keeps_data for name, one in found.items()} == {"config": False, "logs": True, "loki": True}


def unblock(aws: Aws, bucket: str) -> None:
    """Let the public in by access lists."""
    block = {
        "BlockPublicAcls": False,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    aws.call("s3", "put_public_access_block", Bucket=bucket, PublicAccessBlockConfiguration=block)


def drop_block(aws: Aws, bucket: str) -> None:
    """Take the whole block away."""
    aws.call("s3", "delete_public_access_block", Bucket=bucket)


def own(aws: Aws, bucket: str) -> None:
    """Let the writer own its objects."""
    controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    aws.call("s3", "put_bucket_ownership_controls", Bucket=bucket, OwnershipControls=controls)


def encrypt(aws: Aws, bucket: str) -> None:
    """Encrypt by KMS."""
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    aws.call("s3", "put_bucket_encryption", Bucket=bucket, ServerSideEncryptionConfiguration=rules)


def suspend(aws: Aws, bucket: str) -> None:
    """Keep no versions any more."""
    aws.call("s3", "put_bucket_versioning", Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def allow(aws: Aws, bucket: str) -> None:
    """Add a statement without a Sid."""
    policy = json.loads(aws.call("s3", "get_bucket_policy", Bucket=bucket)["Policy"])
    extra = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": ["s3:GetObject"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy["Statement"].append(extra)
    aws.call("s3", "put_bucket_policy", Bucket=bucket, Policy=json.dumps(policy))


def drop_policy(aws: Aws, bucket: str) -> None:
    """Take the policy away."""
    aws.call("s3", "delete_bucket_policy", Bucket=bucket)


def hurry(aws: Aws, bucket: str) -> None:
    """Expire old versions after a day, and all objects too."""
    rules = [
        {
            "ID": "abort-uploads",
            "Filter": {},
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "ID": "expire-old-versions",
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        },
        {"ID": "surprise", "Filter": {"Prefix": "grafana/"}, "Status": "Enabled", "Expiration": {"Days": 1}},
    ]
    aws.call("s3", "put_bucket_lifecycle_configuration", Bucket=bucket, LifecycleConfiguration={"Rules": rules})


@pytest.mark.parametrize(
    ("surprise", "paths"),
    [
        (unblock, {"PublicAccessBlockConfiguration.BlockPublicAcls"}),
        (drop_block, {"PublicAccessBlockConfiguration"}),
        (own, {"ObjectOwnership"}),
        (encrypt, {"Encryption.SSEAlgorithm"}),
        (suspend, {"Versioning"}),
        (allow, {"Policy.statement-2"}),
        (drop_policy, {"Policy"}),
        (
            hurry,
            {
                "LifecycleRules.expire-old-versions.NoncurrentVersionExpiration.NoncurrentDays",
                "LifecycleRules.surprise",
            },
        ),
    ],
)
def test_a_change_by_somebody_else_is_one_path_and_is_mended(
    aws: Aws, stack: Stack, place: Place, surprise: Callable[[Aws, str], None], paths: set[str]
) -> None:
    """Whatever is changed out of band is shown as exactly that, and put back."""
    wanted = resource("config", place)
    found = kinds.made(KIND, aws, stack, wanted)
    surprise(aws, found.attributes["name"])

    assert paths == kinds.paths_that_differ(KIND, aws, stack, wanted)
    assert frozenset() == kinds.mended(KIND, aws, stack, wanted)


def test_versions_switched_on_by_somebody_else_are_switched_off(aws: Aws, stack: Stack, place: Place) -> None:
    """S3 cannot go back to no versions: suspended is as good."""
    wanted = resource("loki", place)
    found = kinds.made(KIND, aws, stack, wanted)
    aws.call(
        "s3",
        "put_bucket_versioning",
        Bucket=found.attributes["name"],
        VersioningConfiguration={"Status": "Enabled"},
    )

    assert {"Versioning"} == kinds.paths_that_differ(KIND, aws, stack, wanted)
    assert frozenset() == kinds.mended(KIND, aws, stack, wanted)


def test_a_bucket_without_tags_is_found_and_mended(aws: Aws, stack: Stack, place: Place) -> None:
    """An interruption between creation and tags leaves nothing that is lost sight of."""
    wanted = kinds.ready(resource("loki", place), stack)
    aws.call(
        "s3",
        "create_bucket",
        Bucket=wanted.fields["Bucket"],
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )

    found = kinds.seen(KIND, aws, stack, "loki")

    assert found.tags == {}
    KIND.retag(aws, stack, found, wanted.tags)
    assert kinds.seen(KIND, aws, stack, "loki").tags == wanted.tags
    assert frozenset() == kinds.mended(KIND, aws, stack, wanted)


def test_create_goes_on_with_a_bucket_that_is_there(aws: Aws, stack: Stack, place: Place) -> None:
    """Creating twice is creating once."""
    wanted = resource("loki", place)
    kinds.made(KIND, aws, stack, wanted)
    kinds.made(KIND, aws, stack, wanted)

    assert frozenset() == kinds.paths_that_differ(KIND, aws, stack, wanted)


def test_a_bucket_of_another_stack_is_neither_seen_nor_taken(aws: Aws, stack: Stack, place: Place) -> None:
    """A tag of another stack counts more than the name."""
    wanted = kinds.ready(resource("loki", place), stack)
    other = replace(wanted, tags={**wanted.tags, STACK_TAG: "other"})
    KIND.create(aws, Stack(name="other", place=place), other)

    assert kinds.all_seen(KIND, aws, stack) == {}
    with pytest.raises(DeployError, match="belongs to stack other"):
        KIND.create(aws, stack, wanted)


def test_a_bucket_of_another_stack_in_the_first_region_is_not_taken(aws: Aws, spec: StackSpec) -> None:
    """There S3 says yes to who creates a bucket that he has already; the tags say no."""
    place = Place(account="123456789012", region="us-east-1")
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    here, stack = replace(aws, session=session, _clients={}), Stack(name="shop", place=place)
    wanted = kinds.ready(next(iter(KIND.wanted(spec, place))), stack)
    KIND.create(here, stack, replace(wanted, tags={**wanted.tags, STACK_TAG: "other"}))
    here.calls.clear()

    with pytest.raises(DeployError, match="belongs to stack other"):
        KIND.create(here, stack, wanted)
    assert here.calls["s3:CreateBucket"] == here.calls["s3:PutBucketTagging"] == 0


def test_a_bucket_without_tags_is_taken_over_and_never_deleted(aws: Aws, stack: Stack, place: Place) -> None:
    """An interrupted creation leaves such a one, and so may anybody else: its name alone is no leave to empty it."""
    wanted = kinds.ready(resource("config", place), stack)
    bucket = kinds.made(KIND, aws, stack, resource("config", place)).attributes["name"]
    aws.call("s3", "put_object", Bucket=bucket, Key="theirs", Body=b"x")
    aws.call("s3", "delete_bucket_tagging", Bucket=bucket)
    before = kinds.seen(KIND, aws, stack, "config")

    with pytest.raises(DeployError, match="bears no tag") as caught:
        KIND.delete(aws, stack, before)
    assert "by hand" in caught.value.hint
    assert [row["Key"] for row in aws.call("s3", "list_objects_v2", Bucket=bucket)["Contents"]] == ["theirs"]

    KIND.retag(aws, stack, before, wanted.tags)
    kinds.delete(KIND, aws, stack, "config")
    assert kinds.all_seen(KIND, aws, stack) == {}


def test_a_bucket_of_another_account_is_an_error_in_words(aws: Aws, stack: Stack, place: Place) -> None:
    """Names are unique in the world; the error says what to do."""
    wanted = kinds.ready(resource("loki", place), stack)
    sts = boto3.client("sts", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    given = sts.assume_role(RoleArn="arn:aws:iam::210987654321:role/x", RoleSessionName="elsewhere")["Credentials"]
    elsewhere = boto3.client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    elsewhere.create_bucket(
        Bucket=str(wanted.fields["Bucket"]), CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )

    with pytest.raises(DeployError, match="belongs to another account") as caught:
        KIND.create(aws, stack, wanted)
    assert "another name" in caught.value.hint


def test_in_the_first_region_no_location_is_named(aws: Aws, spec: StackSpec) -> None:
    """S3 refuses us-east-1 as a location."""
    place = Place(account="123456789012", region="us-east-1")
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    here = replace(aws, session=session, _clients={})
    stack = Stack(name="shop", place=place)
    wanted = next(iter(KIND.wanted(spec, place)))

    kinds.made(KIND, here, stack, wanted)

    assert frozenset() == kinds.paths_that_differ(KIND, here, stack, wanted)


def test_deleting_takes_all_versions_markers_and_uploads_along(aws: Aws, stack: Stack, place: Place) -> None:
    """S3 refuses to delete a bucket that holds anything."""
    bucket = kinds.made(KIND, aws, stack, resource("config", place)).attributes["name"]
    for text in (b"1", b"2"):
        aws.call("s3", "put_object", Bucket=bucket, Key="loki/a.yml", Body=text)
    aws.call("s3", "delete_object", Bucket=bucket, Key="loki/a.yml")
    aws.call("s3", "create_multipart_upload", Bucket=bucket, Key="loki/b.yml")

    kinds.delete(KIND, aws, stack, "config")

    assert kinds.all_seen(KIND, aws, stack) == {}
