"""Tests of the business services."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.containers import application
from obskit.deploy.resource import Join, Place, Ref
from obskit.deploy.services import FargateService, Public
from obskit.deploy.spec import Application, StackSpec
from tests.support.stack import PLACE, example_spec

#: Of another account, which ECS reads by its ARN only.
STRIPE = "arn:aws:secretsmanager:eu-west-1:999999999999:secret:shop/stripe"


def _spec(*applications: Application) -> StackSpec:
    return example_spec(applications=applications)


def _service(place: Place = PLACE, **changes: Any) -> FargateService:
    """Return the service of one application."""
    (found,) = application.services(_spec(Application(name="demo-app", **changes)), place)
    return found


def test_a_tag_alone_is_one_of_the_stacks_own_repository() -> None:
    """And only then is a repository made."""
    service = _service(image="1.0.0")

    assert service.program.image == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/demo-app:1.0.0"
    assert service.repository


def test_a_repository_lies_in_its_partition() -> None:
    """China's registries have another domain."""
    place = replace(PLACE, partition="aws-cn", region="cn-north-1")

    assert _service(place, image="1").program.image.startswith("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/")


@pytest.mark.parametrize("image", ["ghcr.io/org/app:2", "app@sha256:00", "app:2"])
def test_a_whole_reference_stays_as_it_is(image: str) -> None:
    """It is somebody else's repository."""
    service = _service(image=image)

    assert service.program.image == image
    assert not service.repository


def test_the_database_is_given_by_reference_and_its_password_as_a_secret() -> None:
    """Nobody but ECS' agent reads the password."""
    program = _service(image="1", database=True).program

    assert dict(program.environment) == {
        "DATABASE_HOST": Ref("database.main", "endpoint"),
        "DATABASE_NAME": "app",
        "DATABASE_PORT": Ref("database.main", "port"),
        "DATABASE_USER": "app",
        "PORT": "8080",
    }
    assert program.secrets == (("DATABASE_PASSWORD", Join((Ref("secret.database", "arn"), ":password::"))),)


def test_without_a_database_nothing_refers_to_one() -> None:
    """A reference to what is not wanted could never be resolved."""
    spec = replace(_spec(Application(name="demo-app", image="1", database=True)), database=None)

    (service,) = application.services(spec, PLACE)

    assert service.program.secrets == ()
    assert dict(service.program.environment) == {"PORT": "8080"}


def test_what_the_stack_file_says_of_a_variable_wins() -> None:
    """The file is the truth."""
    environment = dict(_service(image="1", environment=(("PORT", "1"), ("A", "b"))).program.environment)

    assert environment == {"A": "b", "PORT": "1"}


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("stripe", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe"),
        ("shop/stripe:key", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/stripe:key::"),
        (f"{STRIPE}-a1B2c3", f"{STRIPE}-a1B2c3"),
        (f"{STRIPE}-a1B2c3:key", f"{STRIPE}-a1B2c3:key::"),
    ],
)
def test_secrets_are_named_or_named_with_a_key(named: str, expected: str) -> None:
    """Two colons after the key ask for the current version."""
    assert _service(image="1", secrets=(("STRIPE", named),)).program.secrets == (("STRIPE", expected),)


def test_who_calls_is_told_where_and_let_in() -> None:
    """The address in the caller's environment, the rule at whom it calls."""
    shop = Application(name="demo-app", image="1", calls=("payment-api",))
    payment = Application(name="payment-api", image="1", port=9000)

    caller, called = application.services(_spec(shop, payment), PLACE)

    assert dict(caller.program.environment)["PAYMENT_API_URL"] == "http://payment-api.shop.internal:9000"
    assert called.callers == (("demo-app", (9000,)),)
    assert caller.callers == ()


def test_an_application_without_a_path_is_private() -> None:
    """The load balancer does not know it."""
    assert _service(image="1").public is None


def test_longer_paths_are_asked_first_and_everything_else_is_the_default() -> None:
    """A rule for /payments/* must not be hidden by one for everything."""
    everything = Application(name="a", image="1", path="/*")
    payments = Application(name="b", image="1", path="/payments/*", health_path="/ok")
    host = Application(name="c", image="1", path="/*", host="admin.example.com")

    default, narrow, other = (s.public for s in application.services(_spec(everything, payments, host), PLACE))

    assert default is not None
    assert (default.host, default.path) == ("", "")
    assert narrow == Public(path="/payments/*", health_path="/ok", priority=100)
    assert other is not None
    assert (other.host, other.path) == ("admin.example.com", "")
    assert len({default.priority, narrow.priority, other.priority}) == 3


def test_tmp_can_be_written_where_nothing_else_can() -> None:
    """Most frameworks need it; who mounts nothing waits for nothing."""
    closed, open_ = _service(image="1"), _service(image="1", read_only=False)

    assert [m.path for m in closed.program.mounts] == ["/tmp"]
    assert dict(closed.program.after) == {"router": "START", "tmp": "SUCCESS"}
    assert open_.program.mounts == ()
    assert dict(open_.program.after) == {"router": "START"}


def test_nothing_is_assumed_of_an_image() -> None:
    """It may have neither shell nor curl: health is the load balancer's to ask."""
    assert _service(image="1", path="/*").program.probe is None
