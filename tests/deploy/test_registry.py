"""For which processors an image is there, asked of ECR and of registries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.registry import is_pushed, platforms
from tests.standins.registry import INDEX, MANIFEST, RegistryStandIn
from tests.support.stack import PLACE

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
FIPS = "123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com"
DUAL = "123456789012.dkr-ecr.eu-west-1.on.aws"
DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def registry() -> Iterator[RegistryStandIn]:
    """Yield a registry that gives to everybody."""
    with RegistryStandIn() as found:
        yield found


# --------------------------------------------------------------------------- a registry


def test_an_index_names_its_processors(aws: Aws, registry: RegistryStandIn) -> None:
    """Attestations beside the images are for no processor."""
    by_digest = registry.push_index("a/b", "1", "amd64", "arm64")

    assert platforms(aws, f"{registry.host}/a/b:1") == platforms(aws, by_digest) == {"amd64", "arm64"}
    assert all(kind in registry.accepted[0] for kind in (INDEX, MANIFEST))


@pytest.mark.parametrize("private", [False, True])
def test_a_single_image_names_its_processor_in_its_configuration(aws: Aws, private: bool) -> None:
    """Which takes a second question, with the same token."""
    with RegistryStandIn(private=private) as registry:
        assert platforms(aws, registry.push("a/b", "1", "arm64")) == {"arm64"}

    tokens = [path for path in registry.asked if path.startswith("/token")]
    assert len(tokens) == (1 if private else 0)


def test_an_image_that_is_not_there_is_told_apart(aws: Aws, registry: RegistryStandIn) -> None:
    """404 is the registry's word for it."""
    with pytest.raises(DeployError, match=r"no such image \(404\)"):
        platforms(aws, f"{registry.host}/a/b:1")


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, b"{}", r"refuses \(403\)"),
        (429, b"{}", r"refuses \(429\)"),
        (200, b"<html>", "no JSON"),
        (200, b" " * (4 * 1024 * 1024 + 1), "too large"),
    ],
)
def test_what_a_registry_answers_instead(
    aws: Aws, registry: RegistryStandIn, status: int, body: bytes, words: str
) -> None:
    """It is said, with the address, and no more of it is read than is wanted."""
    registry.answers["/v2/a/b/manifests/1"] = status, body

    with pytest.raises(DeployError, match=words) as caught:
        platforms(aws, f"{registry.host}/a/b:1")
    assert caught.value.where == {"url": f"http://{registry.host}/v2/a/b/manifests/1"}


@pytest.mark.parametrize(
    "body", ["[]", "{}", '"text"', '{"manifests": [1, {"platform": null}]}', '{"config": 1}', '{"config": {}}']
)
def test_a_manifest_of_another_shape_names_no_processor(aws: Aws, registry: RegistryStandIn, body: str) -> None:
    """Not known is not an error."""
    registry.answers["/v2/a/b/manifests/1"] = 200, body.encode()

    assert platforms(aws, f"{registry.host}/a/b:1") == frozenset()


@pytest.mark.parametrize("token", [b"{}", b"[]", b"<html>"])
def test_who_gets_no_token_is_refused(aws: Aws, token: bytes) -> None:
    """As with an image of somebody's own."""
    with RegistryStandIn(private=True) as registry:
        registry.answers["/token"] = 200, token
        with pytest.raises(DeployError, match=r"refuses \(401\)"):
            platforms(aws, registry.push("a/b", "1"))


def test_a_registry_that_is_not_there_is_an_error_in_words(aws: Aws) -> None:
    """Nobody listens."""
    with RegistryStandIn() as registry:
        gone = registry.host
    with pytest.raises(DeployError, match="does not answer"):
        platforms(aws, f"{gone}/a/b:1")


# --------------------------------------------------------------------------- ECR


def push(aws: Aws, manifest: Any) -> None:
    """Push a manifest to a repository of this account."""
    aws.call("ecr", "create_repository", repositoryName="shop/app")
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    aws.call("ecr", "put_image", repositoryName="shop/app", imageManifest=text, imageTag="1")


def test_an_index_in_ecr_names_its_processors(aws: Aws) -> None:
    """No layer has to be loaded; ECR is asked, by whichever of its names the image is fetched."""
    rows = [{"platform": {"architecture": one, "os": "linux"}, "digest": DIGEST} for one in ("amd64", "arm64")]
    push(aws, {"schemaVersion": 2, "mediaType": INDEX, "manifests": rows})

    for host in (ECR, FIPS, DUAL):
        assert platforms(aws, f"{host}/shop/app:1") == {"amd64", "arm64"}


def test_whether_an_image_was_pushed_is_known_of_the_own_registry_alone(aws: Aws) -> None:
    """By each of its names; what is elsewhere is taken to be there."""
    push(aws, {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": DIGEST}, "layers": []})

    for host in (ECR, FIPS, DUAL):
        assert is_pushed(aws, PLACE, f"{host}/shop/app:1")
        assert not is_pushed(aws, PLACE, f"{host}/shop/app:2")
        assert is_pushed(aws, PLACE, f"{host.replace('eu-west-1', 'us-east-1')}/shop/app:2")
        assert is_pushed(aws, PLACE, f"999999999999{host[12:]}/shop/app:2")


def test_a_single_image_in_ecr_names_its_processor_in_its_configuration(aws: Aws, registry: RegistryStandIn) -> None:
    """ECR gives the address of the blob, which holds a signature: errors do not show it."""
    push(aws, {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": DIGEST}, "layers": []})
    answer = {"downloadUrl": f"http://{registry.host}/blob?X-Amz-Signature=abc", "layerDigest": DIGEST}
    http = type("Http", (), {"status_code": 200})()
    aws.client("ecr").meta.events.register("before-call.ecr.GetDownloadUrlForLayer", lambda **_: (http, answer))
    with pytest.raises(DeployError) as caught:
        platforms(aws, f"{ECR}/shop/app:1")
    registry.answers["/blob"] = 200, b'{"architecture": "arm64", "os": "linux"}'

    assert platforms(aws, f"{ECR}/shop/app:1") == {"arm64"}
    assert "Signature" not in str(caught.value)


def test_what_ecr_does_not_have_is_told_by_ecrs_codes(aws: Aws) -> None:
    """No repository, no image."""
    with pytest.raises(AwsError, match="RepositoryNotFoundException"):
        platforms(aws, f"{ECR}/shop/app:1")
    aws.call("ecr", "create_repository", repositoryName="shop/app")
    with pytest.raises(AwsError, match="ImageNotFound"):
        platforms(aws, f"{ECR}/shop/app:1")


def test_an_image_of_another_region_is_not_looked_for_in_this_one(aws: Aws) -> None:
    """It would be missed here, wherever it is."""
    with pytest.raises(DeployError, match="it is in us-east-1"):
        platforms(aws, "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/app:1")
    assert not aws.calls
