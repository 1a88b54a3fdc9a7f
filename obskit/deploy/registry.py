"""Does an image exist, and for which processors: asked of its registry, without pulling it.

The protocol is the OCI distribution specification's: a manifest is an index of platforms, or one
image whose configuration names its platform. Public registries give anonymous tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.image_names import DEFAULT_HOST, Image, ecr_registry, parsed
from obskit.deploy.resource import Place

_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')
#: What answers for Docker Hub.
_DEFAULT_API: Final = "registry-1.docker.io"
_SECONDS: Final = 15
_MAX_BYTES: Final = 4 * 1024 * 1024
#: How an error begins where a registry cannot be reached at all.
SILENT: Final = "the registry does not answer"

#: ECS's words for a processor -> the OCI's.
PROCESSORS: Final[Mapping[str, str]] = {"X86_64": "amd64", "ARM64": "arm64"}


def is_pushed(aws: Aws, place: Place, image: str) -> bool:
    """Tell whether an image is there; one that is not of this account and region is taken to be.

    Raises:
        AwsError: ECR may not be asked.
    """
    found = parsed(image)
    asked_of = ecr_registry(found.host)
    if asked_of is None or (asked_of.account, asked_of.region) != (place.account, place.region):
        return True
    wanted = {"imageDigest": found.digest} if found.digest else {"imageTag": found.tag}
    asked: dict[str, Any] = {"repositoryName": found.repository, "imageIds": [wanted]}
    return quiet(lambda: aws.call("ecr", "describe_images", **asked)) is not None


def require_pushed(aws: Aws, place: Place, image: str) -> None:
    """Make sure that an image of this account and region is there; of other registries nothing is asked.

    Raises:
        DeployError: It has not been pushed yet.
        AwsError: ECR may not be asked.
    """
    if not is_pushed(aws, place, image):
        login = f"aws ecr get-login-password --region {place.region}"
        hint = (
            "log in, build it (for linux/arm64 where architecture is ARM64), push it, and apply or release again: "
            f"{login} | docker login --username AWS --password-stdin {parsed(image).host}"
            f" && docker build --platform linux/amd64 -t {image} . && docker push {image}"
        )
        raise DeployError(f"{image} has not been pushed yet", hint=hint)


def platforms(aws: Aws, image: str) -> frozenset[str]:
    """Return the processors that an image is there for: ``amd64``, ``arm64``.

    Raises:
        AwsError: ECR has no such repository or image, or may not be asked.
        DeployError: Another registry has none, or does not answer.
    """
    found = parsed(image)
    private = ecr_registry(found.host)
    if private is None:
        return _of_registry(found)
    here = str(aws.client("ecr").meta.region_name)
    if private.region != here:
        raise DeployError(f"it is in {private.region}, and only {here} is asked", where={"image": image})
    return _of_ecr(aws, found, private.account)


def _of_ecr(aws: Aws, image: Image, account: str) -> frozenset[str]:
    wanted = {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag}
    asked: dict[str, Any] = {"registryId": account, "repositoryName": image.repository}
    answer = aws.call("ecr", "batch_get_image", **asked, imageIds=[wanted], acceptedMediaTypes=list(_TYPES))
    if not answer.get("images"):
        said = (answer.get("failures") or [{}])[0]
        raise AwsError("ecr:BatchGetImage", str(said.get("failureCode", "ImageNotFound")), _about(image, said))

    def blob(digest: str) -> Any:
        url = aws.call("ecr", "get_download_url_for_layer", **asked, layerDigest=digest)["downloadUrl"]
        return _fetched(url, {})[0]

    try:
        manifest = json.loads(answer["images"][0]["imageManifest"])
    except ValueError as error:
        raise DeployError("its manifest is no JSON", where={"image": image.repository}) from error
    return _platforms(manifest, blob)


def _about(image: Image, said: Mapping[str, Any]) -> str:
    return f"{image.repository}:{image.reference}: {said.get('failureReason', 'there is no such image')}"


def _of_registry(image: Image) -> frozenset[str]:
    host = _DEFAULT_API if image.host == DEFAULT_HOST else image.host
    scheme = "http" if host.split(":")[0] in ("localhost", "127.0.0.1") else "https"
    base = f"{scheme}://{host}/v2/{image.repository}"
    headers = {"Accept": ", ".join(_TYPES)}
    manifest, token = _fetched(f"{base}/manifests/{image.reference}", headers)
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    return _platforms(manifest, lambda digest: _fetched(f"{base}/blobs/{digest}", headers)[0])


def _platforms(manifest: Any, blob: Callable[[str], Any]) -> frozenset[str]:
    index = _mapping(manifest).get("manifests")
    if isinstance(index, list):
        rows = [_mapping(_mapping(row).get("platform")) for row in index]
        return frozenset(str(p.get("architecture")) for p in rows if p.get("os") == "linux")
    digest = _mapping(_mapping(manifest).get("config")).get("digest")
    return frozenset({str(_mapping(blob(str(digest))).get("architecture", ""))} - {""}) if digest else frozenset()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _fetched(url: str, headers: Mapping[str, str]) -> tuple[Any, str]:
    """Return a JSON document, and the token that it took.

    Raises:
        DeployError: There is none, or no good one.
    """
    import requests

    token = ""
    try:
        status, challenge, body = _got(url, headers)
        if status == 401 and "Authorization" not in headers:
            token = _token(challenge, url)
            status, _, body = _got(url, {**headers, "Authorization": f"Bearer {token}"})
    except requests.RequestException as error:
        raise DeployError(f"{SILENT}: {type(error).__name__}", where={"url": _bare(url)}) from error
    if status != 200:
        words = "the registry has no such image" if status == 404 else "the registry refuses"
        raise DeployError(f"{words} ({status})", where={"url": _bare(url)})
    if len(body) > _MAX_BYTES:
        raise DeployError("the registry's answer is too large", where={"url": _bare(url)})
    try:
        return json.loads(body), token
    except ValueError as error:
        raise DeployError("the registry's answer is no JSON", where={"url": _bare(url)}) from error


def _got(url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
    """Return status, challenge, and no more of the body than is wanted: a registry can send anything."""
    import requests

    with requests.get(url, headers=dict(headers), timeout=_SECONDS, stream=True) as answer:
        body = bytearray()
        for part in answer.iter_content(64 * 1024):
            body += part
            if len(body) > _MAX_BYTES:
                break
        return answer.status_code, str(answer.headers.get("WWW-Authenticate", "")), bytes(body)


def _token(challenge: str, url: str) -> str:
    """Return an anonymous token from where the registry sends us, over TLS if it is itself reached so."""
    said = dict(_CHALLENGE.findall(challenge))
    if not challenge.lower().startswith("bearer") or "realm" not in said:
        return ""
    if url.startswith("https:") and not said["realm"].startswith("https:"):
        return ""
    asked = urlencode({key: said[key] for key in ("service", "scope") if key in said})
    _, _, answer = _got(f"{said['realm']}?{asked}" if asked else said["realm"], {})
    try:
        body = _mapping(json.loads(answer))
    except ValueError:
        return ""
    return str(body.get("token") or body.get("access_token") or "")


def _bare(url: str) -> str:
    """Return an address without its query, which may hold a signature."""
    return url.partition("?")[0]
