"""What the environment may say, and what it is told when it says nonsense."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from obskit.deploy.containers import application
from obskit.deploy.services import Container
from obskit.deploy.spec import Application, Database
from obskit.lab.app.settings import ConfigurationError, Settings, read
from tests.support.stack import PLACE, example_spec

_POSTGRES = {
    "DATABASE_HOST": "db.internal",
    "DATABASE_NAME": "shop",
    "DATABASE_USER": "shop",
    "DATABASE_PASSWORD": "correct-horse",
}


def _problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(environment)
    return caught.value.problems


def test_an_empty_environment_is_a_shop_on_sqlite() -> None:
    """Whoever tries it out sets nothing."""
    settings = read({})

    assert (settings.role, settings.port, settings.database_host, settings.faults) == ("shop", 8080, "", "forbidden")


def test_an_empty_variable_is_as_good_as_none() -> None:
    """Templates leave variables behind that have nothing in them."""
    assert read({"PORT": "", "PAYMENT_URL": ""}) == read({})


def test_a_stack_of_obskit_sets_what_the_application_understands() -> None:
    """Every variable that the deployment gives means something here, and the database is found by them."""
    payment = Application(name="payment", port=8081)
    demo = replace(example_spec().applications[0], calls=("payment",))
    spec = example_spec(applications=(demo, payment), database=Database())
    container: Container = application.services(spec, PLACE)[0].containers[0]
    given = dict(container.environment) | dict(container.secrets)
    environment = {name: value if isinstance(value, str) else "5432" for name, value in given.items()}
    known = {f.metadata["variable"] for f in fields(Settings)}

    settings = read(environment)

    assert set(environment) <= known
    assert {"PORT", "PAYMENT_URL", *_POSTGRES} <= set(environment)
    assert settings.payment_url == f"http://payment.{spec.namespace}:8081"
    assert settings.stop_seconds < demo.stop_seconds
    assert f"{settings.port}{demo.health_path}{demo.metrics_path}" == "8080/health/metrics"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORT": "http"}, "PORT must be a whole number from 1 to 65535, and is 'http'"),
        ({"PORT": "70000"}, "PORT must be"),
        ({"ROLE": "cashier"}, "ROLE must be one of shop, payment"),
        ({"POOL_TIMEOUT_SECONDS": "nan"}, "POOL_TIMEOUT_SECONDS must be a number"),
        ({"PAYMENT_URL": "payment:8080"}, "PAYMENT_URL must be"),
        ({"PAYMENT_URL": "http://me:secret@payment"}, "PAYMENT_URL must be"),
        ({"RUN_DIR": "run"}, "RUN_DIR must be an absolute path"),
        ({"SHOP_FAULTS": "yes"}, "SHOP_FAULTS must be one of forbidden, allowed"),
        ({"DATABASE_NAME": "shop"}, "DATABASE_HOST is missing"),
        ({"DATABASE_HOST": "db"}, "DATABASE_PASSWORD is missing"),
        ({"DRAIN_SECONDS": "20", "STOP_SECONDS": "20"}, "STOP_SECONDS must be at least"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_it_must_be(environment: dict[str, str], words: str) -> None:
    """An engineer who reads the line knows which variable to change to what."""
    assert any(words in problem for problem in _problems(environment))


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Nobody deploys three times to learn of three mistakes."""
    assert len(_problems({"PORT": "x", "WORKERS": "0", "LOG_LEVEL": "loud"})) == 3


def test_the_database_is_spoken_to_in_secret_unless_it_is_said_otherwise() -> None:
    """With `prefer` libpq speaks plainly to whoever cannot do better, and tells nobody."""
    assert read(_POSTGRES).database_sslmode == "require"
    assert read({**_POSTGRES, "DATABASE_SSLMODE": "disable"}).database_sslmode == "disable"


def test_a_password_is_shown_nowhere() -> None:
    """Neither in the settings' own text nor in an error; it is known as a secret."""
    settings = read(_POSTGRES)

    assert "correct-horse" not in repr(settings)
    assert settings.secrets == ("correct-horse",)


@pytest.mark.parametrize("name", [f.metadata["variable"] for f in fields(Settings)])
def test_every_variable_is_explained(name: str) -> None:
    """What can be set stands in the documentation of the settings."""
    prefix = name.split("_", maxsplit=1)[0]

    assert Settings.__doc__
    assert name in Settings.__doc__ or f"{prefix}_*" in Settings.__doc__
