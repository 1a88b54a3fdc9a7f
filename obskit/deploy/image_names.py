"""What a reference of an image says: its registry, repository, tag and digest; and which registries are ECR's. Pure.

`obskit.deploy.registry` asks them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from obskit.deploy.resource import SUFFIXES
from obskit.errors import UsageError

if TYPE_CHECKING:
    from obskit.deploy.resource import Place

#: The registry behind names without a host.
DEFAULT_HOST: Final = "docker.io"

_SHA256: Final = "sha256:[0-9a-f]{64}"
DIGEST: Final = re.compile(_SHA256)
_TAG: Final = re.compile(r"[\w][\w.-]{0,127}")
#: Repository (with host, port, path), then a tag or a digest.
_IMAGE: Final = re.compile(rf"[\w.-]+(?::\d+)?(?:/[\w.-]+)*(?::{_TAG.pattern}(?:@{_SHA256})?|@{_SHA256})")

_REGION: Final = r"[a-z0-9]+(?:-[a-z0-9]+)+"
_SUFFIX: Final = "|".join(map(re.escape, sorted({*SUFFIXES.values()})))
#: Names of ECR's private registries: for IPv4, and for IPv6 as well.
#: Source: Amazon ECR user guide, "Making requests to Amazon ECR registries".
_ECR: Final = re.compile(rf"(?P<account>[0-9]{{12}})\.dkr\.ecr(?P<fips>-fips)?\.(?P<region>{_REGION})\.(?:{_SUFFIX})")
_ECR_DUAL: Final = re.compile(
    rf"(?P<account>[0-9]{{12}})\.dkr-ecr(?:-fips)?\.(?P<region>{_REGION})\.on\.(?:aws|amazonwebservices\.com\.cn)"
)


@dataclass(frozen=True, slots=True)
class Image:
    """A reference in parts.

    Attributes:
        host: Registry.
        repository: Path there.
        tag, digest: One of them is "".
    """

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def reference(self) -> str:
        """Tag or digest."""
        return self.digest or self.tag


@dataclass(frozen=True, slots=True, kw_only=True)
class EcrRegistry:
    """A private registry of ECR; each account has one in each region.

    Attributes:
        account: Twelve digits.
        region: ``eu-west-1``.
        by_endpoint: Whether its name is the one that VPC endpoints answer for. ECR's names for IPv6 lead
            past them, and its FIPS names are not what obskit makes endpoints for.
    """

    account: str
    region: str
    by_endpoint: bool


def parsed(image: str) -> Image:
    """Return the parts of a whole reference."""
    name, _, digest = image.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    host, path = located(f"{head}{slash}{last}")
    return Image(host, path, "" if digest else tag or "latest", digest)


def located(image: str) -> tuple[str, str]:
    """Return the registry of an image, and what follows it; a name without a registry is Docker Hub's."""
    host, slash, rest = image.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        return host, rest
    return DEFAULT_HOST, image if slash else f"library/{image}"


def whole(image: str, now: str) -> str:
    """Return the whole reference of an image.

    Args:
        image: A tag or digest alone, or a whole reference.
        now: Whole reference whose repository counts where none is given.

    Raises:
        UsageError: It is none, or its tag is ``latest``, as in a stack's file.
    """
    found = ""
    if DIGEST.fullmatch(image):
        found = f"{repository(now)}@{image}"
    elif _IMAGE.fullmatch(image):
        found = image
    elif _TAG.fullmatch(image):
        found = f"{repository(now)}:{image}"
    if not found:
        hint = "write a tag (1.4.2), repository:tag, or repository@sha256:digest"
        raise UsageError(f"{image!r} is no image", hint=hint)
    if parsed(found).tag == "latest":
        hint = "push and name a tag that stays what it is: 1.4.2, or a commit"
        raise UsageError(f"{image} is another image tomorrow, and nothing to roll back to", hint=hint)
    return found


def repository(image: str) -> str:
    """Return an image without tag and digest."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def ecr_registry(host: str) -> EcrRegistry | None:
    """Return which private registry of ECR a host is; None when it is none.

    Args:
        host: Alone, without scheme, port and path. Pull-through caches lie below a path of one; ECR's public
            registry, ``public.ecr.aws``, is none.
    """
    found = _ECR.fullmatch(host) or _ECR_DUAL.fullmatch(host)
    if found is None:
        return None
    by_endpoint = found.re is _ECR and not found["fips"]
    return EcrRegistry(account=found["account"], region=found["region"], by_endpoint=by_endpoint)


def ecr_host(place: Place) -> str:
    """Return the host of the private registry of an account and region."""
    return f"{place.account}.dkr.ecr.{place.region}.{place.suffix}"
