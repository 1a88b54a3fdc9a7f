"""Configuration files: sets that are never changed in place, one of them the current one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError
from obskit.deploy.resource import Place, Ref, Stack
from obskit.deploy.resources.bucket import KIND as BUCKETS
from obskit.deploy.resources.configuration import KEPT, KIND, configuration, digest_of
from obskit.deploy.services import services
from obskit.deploy.spec import StackSpec
from tests.support import kinds
from tests.support.kinds import Known

pytestmark = pytest.mark.usefixtures("data_as_aws")

BUCKET = "shop-config-123456789012-eu-west-1"
FILES = {"prometheus.yml": "global: {}\n", "rules/checkout.yml": "groups: []\n"}
LOKI = configuration("loki", FILES)
DIGEST = digest_of(FILES)


@pytest.fixture
def known(aws: Aws, stack: Stack, spec: StackSpec) -> Known:
    """Return the bucket."""
    return kinds.built(aws, stack, spec, [BUCKETS])


def keys(aws: Aws) -> list[str]:
    """Return all keys of the bucket."""
    return [row["Key"] for row in aws.pages("s3", "list_objects_v2", "Contents", Bucket=BUCKET)]


def test_every_service_that_has_files_wants_them_and_no_field_holds_a_text(spec: StackSpec, place: Place) -> None:
    """Fields are shown in plans; texts are long, and a digest says whether they differ."""
    wanted = {one.name: one for one in KIND.wanted(spec, place)}
    with_files = {service.name: service for service in services(spec, place) if service.configuration}

    assert wanted.keys() == with_files.keys()
    for name, one in wanted.items():
        assert one.payload == with_files[name].configuration
        assert one.service == name
        assert one.needs == {"bucket.config"}
        for text in one.payload.values():
            assert len(text) < 40 or text not in repr(one)


def test_a_configuration_lies_below_its_service_and_digest(aws: Aws, stack: Stack, known: Known) -> None:
    """The task finds it by the prefix."""
    found = kinds.made(KIND, aws, stack, LOKI, known)

    assert keys(aws) == [
        f"loki/{DIGEST}.complete",
        f"loki/{DIGEST}/prometheus.yml",
        f"loki/{DIGEST}/rules/checkout.yml",
    ]
    assert found.attributes == {"prefix": f"loki/{DIGEST}", "digest": DIGEST}
    assert found.tags is None
    assert frozenset() == kinds.paths_that_differ(KIND, aws, stack, LOKI, known)
    body = aws.call("s3", "get_object", Bucket=BUCKET, Key=f"loki/{DIGEST}/prometheus.yml")["Body"].read()
    assert body == b"global: {}\n"


def test_other_texts_lie_beside_the_old_ones(aws: Aws, stack: Stack, known: Known) -> None:
    """A task of the revision before still finds its files."""
    kinds.made(KIND, aws, stack, LOKI, known)
    other = configuration("loki", {**FILES, "prometheus.yml": "global: {scrape_interval: 5s}\n"})

    assert kinds.paths_that_differ(KIND, aws, stack, other, known) == {"Digest", "Files.prometheus.yml"}
    assert frozenset() == kinds.mended(KIND, aws, stack, other, known)
    assert kinds.seen(KIND, aws, stack, "loki").attributes["digest"] == other.fields["Digest"]
    assert f"loki/{DIGEST}/prometheus.yml" in keys(aws)
    assert KIND.renewed == ("prefix", "digest")


def test_going_back_to_old_texts_makes_their_set_the_current_one(aws: Aws, stack: Stack, known: Known) -> None:
    """The same texts are the same set."""
    other = configuration("loki", {"prometheus.yml": "other"})
    for one in (LOKI, other, LOKI):
        kinds.made(KIND, aws, stack, one, known)

    assert kinds.seen(KIND, aws, stack, "loki").attributes["digest"] == DIGEST
    assert [key for key in keys(aws) if key.endswith(".complete")] == [f"loki/{DIGEST}.complete"]


def _overwrite(aws: Aws) -> None:
    aws.call("s3", "put_object", Bucket=BUCKET, Key=f"loki/{DIGEST}/prometheus.yml", Body=b"hacked")


def _remove(aws: Aws) -> None:
    aws.call("s3", "delete_object", Bucket=BUCKET, Key=f"loki/{DIGEST}/rules/checkout.yml")


def _add(aws: Aws) -> None:
    aws.call("s3", "put_object", Bucket=BUCKET, Key=f"loki/{DIGEST}/rules/more.yml", Body=b"more")


def _unmark(aws: Aws) -> None:
    aws.call("s3", "delete_object", Bucket=BUCKET, Key=f"loki/{DIGEST}.complete")


@pytest.mark.parametrize(
    ("surprise", "paths"),
    [
        (_overwrite, {"Files.prometheus.yml"}),
        (_remove, {"Files.rules/checkout.yml"}),
        (_add, {"Files.rules/more.yml"}),
        (_unmark, {"Digest", "Files.prometheus.yml", "Files.rules/checkout.yml"}),
    ],
)
def test_a_change_by_somebody_else_is_one_path_and_is_mended(
    aws: Aws, stack: Stack, known: Known, surprise: Callable[[Aws], None], paths: set[str]
) -> None:
    """A file that was overwritten, removed or added is named."""
    kinds.made(KIND, aws, stack, LOKI, known)
    surprise(aws)

    assert paths == kinds.paths_that_differ(KIND, aws, stack, LOKI, known)
    assert frozenset() == kinds.mended(KIND, aws, stack, LOKI, known)


@pytest.mark.parametrize("calls_that_work", range(4))
def test_a_set_that_was_only_half_written_is_none(
    aws: Aws, stack: Stack, known: Known, calls_that_work: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a change is interrupted, the next one goes on from the set before and ends well."""
    kinds.made(KIND, aws, stack, LOKI, known)
    other = configuration("loki", {"a.yml": "1", "b.yml": "2"})
    from moto.s3.models import S3Backend

    real, left = S3Backend.put_object, [calls_that_work]

    def failing(self: S3Backend, *args: object, **kwargs: object) -> object:
        if left[0] == 0:
            raise AwsError("s3:PutObject", "Killed", "")
        left[0] -= 1
        return real(self, *args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(S3Backend, "put_object", failing)
        if calls_that_work < 3:
            with pytest.raises(AwsError, match="Killed"):
                kinds.mended(KIND, aws, stack, other, known)
            assert kinds.seen(KIND, aws, stack, "loki").attributes["digest"] == DIGEST
    kinds.mended(KIND, aws, stack, other, known)

    assert frozenset() == kinds.paths_that_differ(KIND, aws, stack, other, known)


def test_the_ten_newest_sets_stay(aws: Aws, stack: Stack, known: Known) -> None:
    """Enough to roll back, and no more than that."""
    sets = [configuration("loki", {"a.yml": str(number)}) for number in range(KEPT + 3)]
    for one in sets:
        kinds.made(KIND, aws, stack, one, known)

    digests = {key.split("/")[1] for key in keys(aws) if key.endswith("a.yml")}
    assert len(digests) == KEPT
    assert sets[-1].fields["Digest"] in digests


def test_services_do_not_touch_each_others_sets(aws: Aws, stack: Stack, known: Known) -> None:
    """Deleting one leaves the other, even where one name begins with the other."""
    kinds.made(KIND, aws, stack, LOKI, known)
    kinds.made(KIND, aws, stack, configuration("loki-2", {"a.yml": "1"}), known)

    kinds.delete(KIND, aws, stack, "loki")

    assert kinds.all_seen(KIND, aws, stack).keys() == {"loki-2"}
    assert frozenset() == kinds.paths_that_differ(KIND, aws, stack, configuration("loki-2", {"a.yml": "1"}), known)


def test_a_set_that_was_never_finished_is_seen_and_deleted(aws: Aws, stack: Stack, known: Known) -> None:
    """What an interrupted first run has left does not stay for ever."""
    aws.call("s3", "put_object", Bucket=BUCKET, Key=f"loki/{DIGEST}/prometheus.yml", Body=b"x")

    found = kinds.seen(KIND, aws, stack, "loki")

    assert found.attributes == {}
    kinds.delete(KIND, aws, stack, "loki")
    assert kinds.all_seen(KIND, aws, stack) == {}


def test_no_bucket_no_configuration(aws: Aws, stack: Stack) -> None:
    """Before the first apply, and after destroy, there is none."""
    assert kinds.all_seen(KIND, aws, stack) == {}


def test_another_stacks_configuration_is_not_seen(aws: Aws, place: Place, stack: Stack, known: Known) -> None:
    """Each stack has a bucket of its own."""
    kinds.made(KIND, aws, stack, LOKI, known)

    assert kinds.all_seen(KIND, aws, Stack(name="other", place=place)) == {}


def test_the_files_lie_in_the_stacks_bucket() -> None:
    """The bucket comes first."""
    assert LOKI.fields["Bucket"] == Ref("bucket.config", "name")


files = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), min_size=1, max_size=4)


@given(files, files)
def test_a_digest_tells_sets_apart_whatever_they_hold(one: dict[str, str], other: dict[str, str]) -> None:
    """Same digest, same files; the order does not count."""
    assert (digest_of(one) == digest_of(other)) == (one == other)
    assert digest_of(dict(reversed(one.items()))) == digest_of(one)


def test_a_path_does_not_run_into_its_text() -> None:
    """``a`` + ``bc`` is not ``ab`` + ``c``."""
    assert digest_of({"a": "bc"}) != digest_of({"ab": "c"})
