"""What is refused of a spec before any call, and what is only said."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.deploy.fargate import SIZES
from obskit.deploy.image_names import ecr_host
from obskit.deploy.planning import place_unasked
from obskit.deploy.resource import SUFFIXES, Place
from obskit.deploy.spec import Application, Ci, Database, Entry, Network, StackSpec, Telemetry, Waiver
from obskit.deploy.spec_check import Problem, assumed_place, path_of, problems, require, sizes, telemetry
from obskit.deploy.spec_check.environment import tells_a_secret
from obskit.deploy.spec_check.names import LONGEST_SERVICE, LONGEST_STACK
from obskit.deploy.spec_file import read
from obskit.deploy.spec_lines import lines_of
from obskit.errors import SettingsError
from tests.support.stack import PLACE, example_spec

SPECS = Path(__file__).parent / "specs"
BAD = sorted((SPECS / "bad").glob("*.toml"))
GOOD = sorted((SPECS / "good").glob("*.toml"))
SECRET = "hunter2Xq"


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/api-a1B2c3"
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"


def application(**changes: Any) -> StackSpec:
    """Return a spec whose application is another."""
    spec = example_spec()
    return replace(spec, applications=(replace(spec.applications[0], **changes),))


def second(**changes: Any) -> StackSpec:
    """Return a spec with another application beside the one that takes what no path does."""
    changes = {"name": "api", "image": "1.0.0", **changes}
    return example_spec(applications=(*example_spec().applications, Application(**changes)))


def watcher(name: str, **changes: Any) -> StackSpec:
    """Return a spec one of whose watchers is another."""
    spec = example_spec()
    watchers = tuple(replace(w, **changes) if w.name == name else w for w in spec.watchers)
    return replace(spec, watchers=watchers)


def errors(spec: StackSpec, place: Place | None = PLACE) -> list[str]:
    """Return the keys that are refused."""
    return [problem.key for problem in problems(spec, place) if problem.severity == "error"]


def warned(spec: StackSpec) -> set[str]:
    """Return the keys that are warned of, of a spec that goes through."""
    assert errors(spec) == []
    return {problem.key for problem in problems(spec, PLACE)}


def test_there_are_thirty_bad_files_and_more() -> None:
    """The corpus is not emptied by a mistake in a pattern."""
    assert len(BAD) >= 30


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_with_key_value_and_what_is_allowed(path: Path) -> None:
    """Its first three lines say which, and nothing else is wrong with it."""
    head = path.read_text(encoding="utf-8").splitlines()[:3]
    key, value, allowed = (line.partition(":")[2].strip() for line in head)

    with pytest.raises(SettingsError) as caught:
        require(read(path), origin=str(path), lines=lines_of(path.read_text(encoding="utf-8")))

    told = str(caught.value).splitlines()[1]
    assert re.search(rf"(: +|line \d+: +){re.escape(f'{key} = {value}' if value else key)} ", told)
    assert allowed in told
    assert caught.value.exit_code == 2
    assert ": 1 problem" in caught.value.what
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_passes(path: Path) -> None:
    """With and without a place; warnings go through."""
    spec = read(path)

    assert errors(spec, None) == []
    assert errors(spec) == []
    assert all(problem.severity == "warning" for problem in require(spec, PLACE))


def test_what_makes_a_stack_fragile_is_said_and_goes_through() -> None:
    """No standby, one NAT, one task, no protection: cheap, and everybody should know."""
    assert warned(application(minimum=1)) == {
        "applications.demo-app.minimum",
        "database.replica",
        "entry.protected",
        "network.nat",
        "telemetry.obskit_url",
    }
    careful = replace(
        example_spec(),
        network=Network(nat="zone"),
        database=Database(replica=True),
        entry=Entry(protected=True),
        telemetry=Telemetry(obskit_url="https://obskit.example.com/alerts"),
    )
    assert warned(careful) == set()


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        (example_spec(database=Database(backup_days=0)), "database.backup_days"),
        (example_spec(database=Database(protected=False)), "database.protected"),
        (replace(application(database=False), database=None), "database"),
        (application(spot=100), "applications.demo-app.spot"),
        (application(spot=50, maximum=2), "applications.demo-app.spot"),
        (application(minimum=0, maximum=0), "applications.demo-app.maximum"),
        (application(user="0"), "applications.demo-app.user"),
        (application(cpu=2048, memory=4096), "applications"),
        (application(policies=("arn:aws:iam::aws:policy/AdministratorAccess",)), "applications.demo-app.policies"),
        (example_spec(entry=Entry(policy="ELBSecurityPolicy-2016-08")), "entry.policy"),
        (example_spec(telemetry=Telemetry(metrics_days=15)), "telemetry.metrics_days"),
        (example_spec(ci=Ci(branch="release")), "ci.repository"),
        (example_spec(), "telemetry.obskit_url"),
        (application(reaches=("tcp:587:0.0.0.0/0",)), "applications.demo-app.reaches"),
        (replace(application(maximum=200), network=Network(cidr="10.1.0.0/23")), "network.cidr"),
    ],
)
def test_what_is_allowed_but_risky_is_a_warning(spec: StackSpec, key: str) -> None:
    """Each risk is said under the key that causes it."""
    assert key in warned(spec)


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        (application(image=""), "applications.demo-app.image"),
        (application(image="Nginx:1"), "applications.demo-app.image"),
        (application(image="repo@sha256:12"), "applications.demo-app.image"),
        (application(image="latest"), "applications.demo-app.image"),
        (application(image="-1"), "applications.demo-app.image"),
        (watcher("grafana", image="docker.io/grafana/grafana:latest"), "grafana.image"),
        (application(port=0), "applications.demo-app.port"),
        (application(port=70_000), "applications.demo-app.port"),
        (application(port=24224), "applications.demo-app.port"),
        (application(health_path="health"), "applications.demo-app.health_path"),
        (application(metrics_path="/a b"), "applications.demo-app.metrics_path"),
        (application(stop_seconds=1), "applications.demo-app.stop_seconds"),
        (application(grace_seconds=-1), "applications.demo-app.grace_seconds"),
        (application(breaker_threshold=201), "applications.demo-app.breaker_threshold"),
        (application(spot=101), "applications.demo-app.spot"),
        (application(minimum=-1), "applications.demo-app.minimum"),
        (application(minimum=0), "applications.demo-app.minimum"),
        (application(maximum=5001), "applications.demo-app.maximum"),
        (application(cpu_target=0, memory_target=0), "applications.demo-app.maximum"),
        (application(storage=201), "applications.demo-app.storage"),
        (application(calls=("loki",)), "applications.demo-app.calls"),
        (application(calls=("api",)), "applications.demo-app.calls"),
        (replace(application(database=True), database=None), "applications.demo-app.database"),
        (application(reaches=("587",)), "applications.demo-app.reaches"),
        (application(reaches=("sctp:587:10.0.0.0/8",)), "applications.demo-app.reaches"),
        (application(reaches=("tcp:65536:10.0.0.0/8",)), "applications.demo-app.reaches"),
        (application(reaches=("tcp:587:10.0.0.1/8",)), "applications.demo-app.reaches"),
        (application(reaches=("tcp:587:smtp.example.com",)), "applications.demo-app.reaches"),
        (application(reaches=("tcp:587:10.0.0.0/255.0.0.0",)), "applications.demo-app.reaches"),
        (application(reaches=("tcp:587:10.0.0.0/8",) * 2), "applications.demo-app.reaches"),
        (application(secrets=(("KEY", "shop/api-secret"),)), "applications.demo-app.secrets.KEY"),
        (application(secrets=(("KEY", "shop/api-a1B2c3:key"),)), "applications.demo-app.secrets.KEY"),
        (
            application(secrets=(("KEY", SECRET_ARN.replace("arn:aws:", "arn:aws-cn:")),)),
            "applications.demo-app.secrets.KEY",
        ),
        (application(secrets=(("KEY", SECRET_ARN[:-7]),)), "applications.demo-app.secrets.KEY"),
        (application(secret_keys=(KEY_ARN,)), "applications.demo-app.secret_keys"),
        (
            application(secrets=(("KEY", "shop/key"),), secret_keys=(KEY_ARN.replace("key/", "alias/"),)),
            "applications.demo-app.secret_keys",
        ),
        (
            application(secrets=(("KEY", "shop/key"),), secret_keys=(KEY_ARN.replace("aws:kms", "aws-cn:kms"),)),
            "applications.demo-app.secret_keys",
        ),
        (watcher("prometheus", image="v3.7.2"), "prometheus.image"),
        (watcher("prometheus", image="registry.example.com:5000/prometheus:2.55.1"), "prometheus.image"),
        (example_spec(registry="https://mirror.example.com"), "registry"),
        (example_spec(registry="mirror.example.com:tag"), "registry"),
        (example_spec(registry="mirror"), "registry"),
        (second(path="shop/*"), "applications.api.path"),
        (second(path="/"), "applications.api.path"),
        (second(path="/*a*b*c*d*e*"), "applications.api.path"),
        (second(host="shop.example.com"), "applications.api.host"),
        (second(host="grafana.shop.example.com"), "applications.api.host"),
        (second(host="*.example.com"), "applications.api.host"),
        (second(host="api.example.com"), "applications.api.host"),
        (application(policies=("arn:aws-cn:iam::aws:policy/ReadOnlyAccess",)), "applications.demo-app.policies"),
        (application(policies=("arn:aws:iam::aws:policy/A",) * 2), "applications.demo-app.policies"),
        (
            application(policies=tuple(f"arn:aws:iam::aws:policy/P{n}" for n in range(11))),
            "applications.demo-app.policies",
        ),
        (application(environment=(("1ST", "x"),)), "applications.demo-app.environment.1ST"),
        (
            application(environment=(("ECS_CONTAINER_METADATA_URI_V4", "x"),)),
            "applications.demo-app.environment.ECS_CONTAINER_METADATA_URI_V4",
        ),
        (
            application(environment=(("A", "x"),), secrets=(("A", "shop/a"),)),
            "applications.demo-app.environment.A",
        ),
        (application(secrets=(("DATABASE_HOST", "shop/a"),)), "applications.demo-app.environment.DATABASE_HOST"),
        (application(command=("serve", "--password", SECRET)), "applications.demo-app.command"),
        (application(command=("serve", f"postgres://app:{SECRET}@db/app")), "applications.demo-app.command"),
        (watcher("prometheus", minimum=2, maximum=2), "prometheus.maximum"),
        (watcher("prometheus", spot=10), "prometheus.spot"),
        (watcher("alloy", minimum=0), "alloy.minimum"),
        (
            replace(
                watcher("grafana", maximum=2), database=None, applications=application(database=False).applications
            ),
            "grafana.maximum",
        ),
        (example_spec(name="shop--two"), "name"),
        (example_spec(name="2shop"), "name"),
        (example_spec(name="shop-"), "name"),
        (example_spec(name="internal"), "name"),
        (example_spec(name="sg"), "name"),
        (example_spec(owner="x" * 257), "owner"),
        (example_spec(region="Ireland"), "region"),
        (example_spec(region="us-east-1"), "region"),
        (example_spec(domain="shop"), "domain"),
        (example_spec(domain="10.0.0.1"), "domain"),
        (example_spec(domain="shop.internal"), "domain"),
        (example_spec(domain=f"{'a' * 60}.example.com"), "domain"),
        (example_spec(domain="shop.example.com."), "domain"),
        (example_spec(network=Network(zones=4)), "network.zones"),
        (example_spec(network=Network(cidr="8.8.0.0/16")), "network.cidr"),
        (example_spec(network=Network(cidr="10.0.0.0/8")), "network.cidr"),
        (example_spec(network=Network(cidr="fd00::/48")), "network.cidr"),
        (example_spec(network=Network(nat="none", endpoints=True)), "network.nat"),
        (example_spec(network=Network(nat="none", endpoints=True), registry="mirror.example.com"), "network.nat"),
        (
            example_spec(network=Network(nat="none", endpoints=True), registry=ECR.replace("eu-west-1", "us-east-1")),
            "registry",
        ),
        (
            replace(
                application(reaches=("tcp:587:203.0.113.0/24",)),
                network=Network(nat="none", endpoints=True),
                registry=ECR,
            ),
            "applications.demo-app.reaches",
        ),
        (example_spec(database=Database(storage=19)), "database.storage"),
        (example_spec(database=Database(storage=95)), "database.storage_limit"),
        (example_spec(database=Database(engine_version="sixteen")), "database.engine_version"),
        (example_spec(database=Database(engine_version="12")), "database.engine_version"),
        (example_spec(database=Database(name="user")), "database.name"),
        (example_spec(database=Database(name="grafana")), "database.name"),
        (example_spec(database=Database(name="pg_app")), "database.name"),
        (example_spec(database=Database(name="a-database-with-hyphens")), "database.name"),
        (example_spec(telemetry=Telemetry(loki_days=0)), "telemetry.loki_days"),
        (example_spec(telemetry=Telemetry(obskit_url="obskit:9095")), "telemetry.obskit_url"),
        (example_spec(telemetry=Telemetry(obskit_url=f"http://me:{SECRET}@obskit")), "telemetry.obskit_url"),
        (example_spec(telemetry=Telemetry(obskit_url="http://obskit:port/")), "telemetry.obskit_url"),
        (example_spec(entry=Entry(hosted_zone="other.com")), "entry.hosted_zone"),
        (example_spec(entry=Entry(hosted_zone="not a zone")), "entry.hosted_zone"),
        (example_spec(entry=Entry(hosted_zone="example.com", grafana="watch.other.com")), "entry.grafana"),
        (example_spec(entry=Entry(grafana="Grafana")), "entry.grafana"),
        (example_spec(entry=Entry(certificate="my-certificate")), "entry.certificate"),
        (
            example_spec(
                entry=Entry(
                    certificate="arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"
                )
            ),
            "entry.certificate",
        ),
        (example_spec(entry=Entry(policy="TLS-1.3")), "entry.policy"),
        (example_spec(entry=Entry(allow=("0.0.0.0/0", "0.0.0.0/0"))), "entry.allow"),
        (example_spec(entry=Entry(allow=("203.0.113.7/24",))), "entry.allow"),
        (example_spec(entry=Entry(allow=("everybody/0",))), "entry.allow"),
        (example_spec(entry=Entry(allow=tuple(f"10.0.{n}.0/24" for n in range(31)))), "entry.allow"),
        (example_spec(ci=Ci(repository="shop")), "ci.repository"),
        (example_spec(ci=Ci(repository="example/shop", environment="*")), "ci.environment"),
        (example_spec(waivers=(Waiver(id="ECS.20", reason="…"),)), "waivers[1].reason"),
        (example_spec(waivers=(Waiver(id="ECS.20", reason="why", resource="app"),)), "waivers[1].resource"),
        (example_spec(waivers=(Waiver(id="ECS.20", reason="why"),) * 2), "waivers[2]"),
        (example_spec(applications=()), "applications"),
        (second(name="demo-app"), "applications.demo-app"),
    ],
)
def test_what_aws_would_refuse_or_the_design_cannot_bear_is_an_error(spec: StackSpec, key: str) -> None:
    """Each is told under its key, once the file itself could be read."""
    assert set(errors(spec)) == {key}


@pytest.mark.parametrize(
    "name", ["alb", "database", "endpoints", "execution", "ci", "events", "Loki", "a_b", "a" * 33, "über", "a\nb"]
)
def test_an_application_has_a_name_of_its_own(name: str) -> None:
    """Not one of the stack's own groups and roles, and a label of DNS."""
    assert path_of("applications", name) in errors(application(name=name))


def test_each_size_that_fargate_has_passes_and_no_other() -> None:
    """All combinations of the table, and the step beyond each end."""
    for cpu, memories in SIZES.items():
        good = application(cpu=cpu, memory=memories[0], maximum=2)
        assert errors(good) == []
        for memory in (*memories, memories[0] - 1, memories[-1] + 1024, 0):
            told = [problem.key for problem in sizes.check(application(cpu=cpu, memory=memory), None)]
            assert told == ([] if memory in memories else ["applications.demo-app.memory"])


def test_each_retention_of_cloudwatch_passes_and_no_other() -> None:
    """The list of the API, from a day to ten years."""
    told = {n: telemetry.check(example_spec(telemetry=Telemetry(log_days=n)), None) for n in range(4000)}
    passing = [n for n, found in told.items() if all(problem.severity == "warning" for problem in found)]

    assert passing == list(telemetry.LOG_DAYS)


def test_eight_tasks_are_the_most_that_dns_tells_of() -> None:
    """The ninth would be scraped by nobody, and nobody would know; asking ECS has no such end."""
    dns = Telemetry(discovery="dns")

    assert errors(replace(application(maximum=8), telemetry=dns)) == []
    assert errors(replace(application(maximum=9), telemetry=dns)) == ["applications.demo-app.maximum"]
    assert errors(application(maximum=9)) == []


@pytest.mark.parametrize(
    ("image", "good"),
    [
        ("1.0.0", True),
        ("v1_2-rc.1", True),
        ("nginx:1.27", True),
        ("localhost:5000/team/app:1", True),
        ("registry.example.com/app@sha256:" + "a" * 64, True),
        ("app:1@sha256:" + "a" * 64, True),
        ("app:latest@sha256:" + "a" * 64, True),
        ("app:latest", False),
        ("registry.example.com:5000/app", False),
        ("a" * 129, False),
        ("app:", False),
        (":1", False),
        ("https://registry.example.com/app:1", False),
        ("app:1@sha512:" + "a" * 64, False),
    ],
)
def test_an_image_is_the_same_image_tomorrow(image: str, good: bool) -> None:
    """A tag that stays or a digest; all of Docker's ways to write one."""
    assert ("applications.demo-app.image" not in errors(application(image=image))) is good


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [
        ("DB_PASSWORD", "x", True),
        ("dbPassword", "x", True),
        ("STRIPE_SECRET_LIVE", "abc", True),
        ("GITHUB_TOKEN", "abc", True),
        ("AWS_ACCESS_KEY_ID", "abc", True),
        ("SIGNING_KEY", "abc", True),
        ("PLAIN", "AKIAIOSFODNN7EXAMPLE", True),
        ("URL", f"postgres://app:{SECRET}@db:5432/app", True),
        ("HEADERS", "Authorization: Bearer abcdef123456", True),
        ("DB_PASSWORD", "", False),
        ("REQUIRE_TOKEN", "true", False),
        ("TOKEN_URL", "https://login.example.com", False),
        ("PASSWORD_MIN_LENGTH", "12", False),
        ("DB_PASSWORD_FILE", "/run/secrets/db", False),
        ("MAX_TOKENS", "4096", False),
        ("KEYSPACE", "shop", False),
        ("CONTACT", "team@example.com", False),
        ("QUEUE", "arn:aws:sqs:eu-west-1:123456789012:orders", False),
        ("LOG_LEVEL", "info", False),
    ],
)
def test_credentials_are_told_from_words_about_them(name: str, value: str, is_one: bool) -> None:
    """By the name's words or the value's shape; places, limits and switches are none."""
    assert tells_a_secret(name, value) is is_one


def test_a_credential_is_never_shown() -> None:
    """Neither in the problem nor in the error made of it."""
    spec = application(environment=(("API_KEY", SECRET),), secrets=(("OTHER", f"{SECRET} {SECRET}"),))

    with pytest.raises(SettingsError) as caught:
        require(spec, PLACE)

    assert "2 problems" in caught.value.what
    assert SECRET not in str(caught.value) + repr(problems(spec, PLACE))


def test_errors_come_before_warnings() -> None:
    """Who reads only the beginning reads what has to be done."""
    severities = [problem.severity for problem in problems(application(port=0), PLACE)]

    assert severities == sorted(severities)
    assert set(severities) == {"error", "warning"}


def test_a_task_definition_has_an_end() -> None:
    """64 KiB, which AWS never raises."""
    spec = application(environment=tuple((f"TEXT_{n}", "x" * 1000) for n in range(70)))

    assert errors(spec) == ["applications.demo-app"]


def test_a_service_is_called_by_as_many_as_its_security_group_has_rules() -> None:
    """Sixty a direction; Prometheus itself scrapes two ports of each service."""
    main = example_spec().applications[0]
    others = tuple(Application(name=f"caller-{n}", image="1.0.0", calls=("demo-app",)) for n in range(60))

    told = errors(example_spec(applications=(main, *others)))

    assert "applications.demo-app" in told
    assert "prometheus" in told


def test_many_applications_meet_the_load_balancers_and_iams_ends() -> None:
    """A hundred rules of a load balancer; host names are only a warning."""
    main = example_spec().applications[0]
    many = tuple(
        Application(name=f"app-{n}", image="1.0.0", host=f"app-{n}.example.com", path="/*") for n in range(101)
    )

    found = problems(example_spec(applications=(main, *many)), PLACE)
    told = [str(problem) for problem in found if problem.key == "applications"]

    assert any("more paths than a load balancer has rules" in text for text in told)
    assert any("103 host names" in text for text in told)


def test_roles_grow_with_secrets_and_not_with_services() -> None:
    """IAM takes 10,240 letters of a role's own policies: measured as they are sent, CI's too."""

    def many(secrets: int) -> StackSpec:
        named = tuple((f"KEY_{number}", f"shop/team/key-{number}-of-it") for number in range(secrets))
        others = tuple(Application(name=f"application-{number}", image="1.0.0") for number in range(20))
        first = replace(example_spec().applications[0], secrets=named)
        return example_spec(applications=(first, *others), ci=Ci(repository="example/shop"))

    assert errors(many(50)) == []
    told = [str(problem) for problem in problems(many(120), PLACE) if problem.severity == "error"]
    assert len(told) == 1
    assert re.search(r"the role execution 1\d{4} letters long, and IAM takes 10240", told[0])


def test_images_in_ecr_need_no_way_to_the_internet() -> None:
    """The error of a stack without NAT names only images that no endpoint reaches."""
    spec = replace(application(image="1.0.0"), network=Network(nat="none", endpoints=True))

    told = next(str(problem) for problem in problems(spec, PLACE) if problem.key == "network.nat")

    assert "quay.io/prometheus/prometheus" in told
    assert "demo-app" not in told


def test_names_that_pass_stay_short_enough_when_put_together() -> None:
    """The longest stack with the longest service in the longest region: roles 64, buckets and databases 63."""
    session = boto3.Session()
    regions = {r for p in session.get_available_partitions() for r in session.get_available_regions("ec2", p)}
    stack, service, region = "s" * LONGEST_STACK, "a" * LONGEST_SERVICE, max(regions, key=len)

    assert len(f"{stack}-{service}") <= 64
    assert all(len(f"{stack}-{purpose}-{'0' * 12}-{region}") <= 63 for purpose in ("loki", "config", "logs"))
    assert len(f"{stack}-main") <= 63
    assert errors(replace(application(name=service), name=stack)) == []


def test_a_problem_reads_as_a_sentence() -> None:
    """Key, value, what is wrong, what is allowed."""
    problem = Problem(key="a.b", value="3", what="is too small", allowed="4 to 5")

    assert str(problem) == "a.b = 3 is too small: 4 to 5"
    assert str(replace(problem, value="", allowed="")) == "a.b is too small"


TEXTS = st.text(max_size=10) | st.sampled_from(["", "/*", "demo-app", "1.0.0", "10.0.0.0/16", "0"])
NUMBERS = st.integers(-5, 70_000) | st.sampled_from([0, 1, 2, 256, 512, 1024])
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple)
LISTS = st.lists(TEXTS, max_size=2).map(tuple)
APPLICATIONS = st.builds(
    Application,
    name=st.just("demo-app") | TEXTS,
    image=st.just("1.0.0") | TEXTS,
    path=st.just("/*") | TEXTS,
    cpu=st.just(256) | NUMBERS,
    minimum=st.integers(-1, 3),
    maximum=st.integers(-1, 9),
    port=st.just(8080) | NUMBERS,
    host=TEXTS,
    user=TEXTS,
    calls=LISTS,
    command=LISTS,
    policies=LISTS,
    environment=PAIRS,
    secrets=PAIRS,
)


@settings(deadline=None, max_examples=60)
@given(
    applications=st.lists(APPLICATIONS, max_size=3).map(tuple),
    name=st.just("shop") | TEXTS,
    domain=st.just("shop.example.com") | TEXTS,
    network=st.builds(Network, cidr=TEXTS, zones=NUMBERS, nat=st.sampled_from(["one", "none"])),
    database=st.none() | st.builds(Database, storage=NUMBERS, name=TEXTS, engine_version=TEXTS, instance=TEXTS),
    entry=st.builds(Entry, allow=LISTS, grafana=TEXTS, hosted_zone=TEXTS, certificate=TEXTS, policy=TEXTS),
    telemetry=st.builds(Telemetry, obskit_url=TEXTS, log_days=NUMBERS, discovery=st.sampled_from(["ecs", "dns"])),
    ci=st.builds(Ci, repository=TEXTS, branch=TEXTS, environment=TEXTS),
)
def test_any_spec_is_answered_with_problems(**parts: Any) -> None:
    """No value of the right type makes a check fail itself, and each problem is one line."""
    found = problems(example_spec(**parts), PLACE)

    assert all(problem.key and problem.what and "\n" not in str(problem) for problem in found)


def test_a_secret_may_be_named_by_its_whole_arn_and_its_keys_key_too() -> None:
    """With or without a key of its JSON; the six letters at its end are AWS's."""
    for named in (SECRET_ARN, f"{SECRET_ARN}:key", "shop/api", "shop/api-token-1:key"):
        assert errors(application(secrets=(("KEY", named),), secret_keys=(KEY_ARN,))) == []


def test_with_a_registry_in_ecr_a_stack_needs_no_nat() -> None:
    """Once the images are there: AWS fetches none for the first time through an endpoint, which is said."""
    spec = example_spec(network=Network(nat="none", endpoints=True), registry=ECR)

    assert "registry" in warned(spec)
    assert "registry" not in warned(example_spec(registry=ECR))
    inside = application(reaches=("tcp:25:10.40.0.0/24",)).applications
    assert errors(replace(spec, applications=inside)) == []


@pytest.mark.parametrize("host", ["dkr-ecr.eu-west-1.on.aws", "dkr.ecr-fips.eu-west-1.amazonaws.com"])
def test_without_nat_a_registry_is_named_as_endpoints_answer_for_it(host: str) -> None:
    """ECR's name for IPv6 leads past them, and its FIPS name needs one that obskit does not make."""
    spec = example_spec(network=Network(nat="none", endpoints=True), registry=f"123456789012.{host}")

    assert "network.nat" in errors(spec)


@pytest.mark.parametrize("image", ["v3.8.0", "v4.0.0-rc.1", "main", "prom@sha256:" + "a" * 64])
def test_a_prometheus_that_asks_ecs_or_does_not_say_passes(image: str) -> None:
    """Only a version that is known to be too old is refused, and only where it shall ask ECS."""
    assert errors(watcher("prometheus", image=image)) == []
    old = replace(watcher("prometheus", image="v3.7.0"), telemetry=Telemetry(discovery="dns"))
    assert errors(old) == []


def test_what_an_application_reaches_counts_as_rules_of_its_group() -> None:
    """A security group takes sixty rules a direction."""
    many = tuple(f"tcp:{port}:10.0.0.0/8" for port in range(1000, 1060))

    assert errors(application(reaches=many)) == ["applications.demo-app"]
    assert errors(application(reaches=many[:50])) == []


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-west-1", "aws", "amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
    ],
)
def test_where_nobody_was_asked_a_place_is_as_long_in_words_as_a_real_one(
    region: str, partition: str, suffix: str
) -> None:
    """Lengths of names depend on it, ARNs begin with its partition, and the images' hosts end as its own do."""
    place = place_unasked(example_spec(region=region))

    assert (place.region, place.partition, len(place.account)) == (region, partition, 12)
    assert place.zones == (f"{region}a", f"{region}b")
    assert ecr_host(place) == f"{place.account}.dkr.ecr.{region}.{suffix}"


def test_a_stand_in_may_call_its_regions_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address other than AWS's is named for it."""
    monkeypatch.setenv("OBSKIT_AWS_ENDPOINT_URL", "http://localhost:4566")

    assert place_unasked(example_spec(region="moon")).partition == "aws"


def test_the_file_knows_its_region_better_than_the_chain() -> None:
    """What the chain says counts where the file is silent."""
    assert assumed_place(example_spec(region="eu-west-3"), "eu-west-1").region == "eu-west-3"
    assert assumed_place(example_spec(region=""), "eu-west-1").region == "eu-west-1"


def test_every_partition_that_boto3_knows_has_its_ending() -> None:
    """In a partition without one, hosts of registries and services could not be named."""
    known = botocore.session.Session().get_component("data_loader").load_data("partitions")["partitions"]

    assert {one["id"]: one["outputs"]["dnsSuffix"] for one in known} == dict(SUFFIXES)
    assert len(min(SUFFIXES, key=len)) == len("aws"), "the one that is assumed is the shortest"
