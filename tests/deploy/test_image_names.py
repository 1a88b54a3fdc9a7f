"""What references of images say, and which registries are ECR's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.deploy.image_names import EcrRegistry, Image, ecr_host, ecr_registry, parsed, repository
from obskit.deploy.resource import SUFFIXES, Place

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = f"sha256:{'0' * 64}"
ACCOUNTS = st.text("0123456789", min_size=12, max_size=12)
REGIONS = st.sampled_from(["eu-west-1", "us-gov-east-1", "cn-north-1", "ap-southeast-7", "eusc-de-east-1"])
#: How a registry is named, and whether VPC endpoints answer for that name.
FORMS = {
    "{account}.dkr.ecr.{region}.amazonaws.com": True,
    "{account}.dkr.ecr.{region}.amazonaws.com.cn": True,
    "{account}.dkr.ecr.{region}.amazonaws.eu": True,
    "{account}.dkr.ecr-fips.{region}.amazonaws.com": False,
    "{account}.dkr-ecr.{region}.on.aws": False,
    "{account}.dkr-ecr-fips.{region}.on.aws": False,
    "{account}.dkr-ecr.{region}.on.amazonwebservices.com.cn": False,
}
NAMES = st.from_regex(r"[a-z0-9]{1,8}([._/-][a-z0-9]{1,8}){0,3}", fullmatch=True)
TAGS = st.from_regex(r"[a-z0-9_][a-z0-9._-]{0,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("nginx", Image("docker.io", "library/nginx", "latest")),
        ("nginx:1.27", Image("docker.io", "library/nginx", "1.27")),
        ("grafana/loki:3.1", Image("docker.io", "grafana/loki", "3.1")),
        ("public.ecr.aws/aws/fluent:2", Image("public.ecr.aws", "aws/fluent", "2")),
        ("localhost/a:1", Image("localhost", "a", "1")),
        ("localhost:5000/a/b", Image("localhost:5000", "a/b", "latest")),
        (f"{ECR}/shop/app@{DIGEST}", Image(ECR, "shop/app", "", DIGEST)),
        (f"{ECR}/shop/app:1@{DIGEST}", Image(ECR, "shop/app", "", DIGEST)),
    ],
)
def test_references_in_parts(written: str, parts: Image) -> None:
    """As every container engine reads them; a digest is worth more than the tag before it."""
    assert parsed(written) == parts
    assert parts.reference == (parts.digest or parts.tag)


@given(st.text() | st.from_regex(r"[a-z.:/]{0,20}(:[a-z0-9.]{0,5})?(@sha256:[0-9a-f]{0,64})?", fullmatch=True))
def test_any_text_has_parts(image: str) -> None:
    """A task definition that is judged may hold anything; what is taken off is taken off its end."""
    found = parsed(image)

    assert found.reference or "@" in image
    assert image.startswith(repository(image))
    assert f"{found.host}/{found.repository}".removeprefix("docker.io/").removeprefix("library/") in image


@given(ACCOUNTS, REGIONS, st.sampled_from(sorted(FORMS)), NAMES, TAGS)
def test_each_name_of_a_registry_of_ecr_tells_account_and_region(
    account: str, region: str, form: str, name: str, tag: str
) -> None:
    """They are read back from a whole reference, whichever of its names the registry is called by."""
    host = form.format(account=account, region=region)
    image = parsed(f"{host}/{name}:{tag}")

    assert ecr_registry(image.host) == EcrRegistry(account=account, region=region, by_endpoint=FORMS[form])
    assert (image.repository, image.tag) == (name, tag)
    assert repository(f"{host}/{name}:{tag}") == f"{host}/{name}"


@given(ACCOUNTS, REGIONS, st.sampled_from(sorted(SUFFIXES)))
def test_the_host_that_is_written_is_the_one_that_is_read(account: str, region: str, partition: str) -> None:
    """What obskit names in a task definition is what it recognises in one."""
    found = ecr_registry(ecr_host(Place(account=account, region=region, partition=partition)))

    assert found == EcrRegistry(account=account, region=region, by_endpoint=True)


@given(ACCOUNTS, REGIONS, st.sampled_from(sorted(FORMS)), st.data())
def test_a_letter_more_or_less_is_another_host(account: str, region: str, form: str, data: st.DataObject) -> None:
    """A registry of somebody else must not pass for ECR's: rights and reachability follow from the name."""
    host = form.format(account=account, region=region)
    outside = st.text(max_size=6).filter(bool)
    before, after = data.draw(st.tuples(outside, st.just("")) | st.tuples(st.just(""), outside.map(lambda t: f".{t}")))

    assert ecr_registry(f"{before}{host}{after}") is None or f"{host}{after}" == f"{host}.cn"


@given(st.text() | st.from_regex(r"[0-9]{12}\.dkr[.-]ecr.{0,40}"))
def test_any_text_is_a_registry_of_ecr_or_none(host: str) -> None:
    """Whatever stands in a file is answered, and what is ECR's begins with its account."""
    found = ecr_registry(host)

    assert found is None or (host.startswith(f"{found.account}.dkr") and f".{found.region}." in host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "public.ecr.aws",
        "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
        "١٢٣٤٥٦٧٨٩٠١٢.dkr.ecr.eu-west-1.amazonaws.com",
        f"{ECR}:443",
        f"{ECR}/shop",
        f"https://{ECR}",
        f"{ECR}\n",
        "123456789012.dkr.ecr..amazonaws.com",
        "123456789012.dkr-ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.on.aws",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.example.com",
    ],
)
def test_what_only_looks_like_ecr_is_none_of_it(host: str) -> None:
    """Too few digits, another alphabet's, a port, a path, the ending of another of its names."""
    assert ecr_registry(host) is None
