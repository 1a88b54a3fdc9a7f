"""The wanted stack as values. `read` makes them from a TOML file, `problems` says what AWS would refuse.

Every attribute is a key of the file; README's table and ``obskit deploy keys`` are made from the docstrings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Architecture = Literal["X86_64", "ARM64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the tasks of a service are, and how many.

    Attributes:
        cpu: CPU units of a task; 1024 is one vCPU.
        memory: MiB of a task.
        storage: GiB of ephemeral storage of a task; 20 come without charge.
        minimum: The fewest tasks.
        maximum: The most tasks; the same as the minimum switches autoscaling off.
        cpu_target: Percent of CPU that autoscaling aims at; 0 leaves it out.
        memory_target: Percent of memory that autoscaling aims at; 0 leaves it out.
        spot: Percent of the tasks beyond the minimum that run on Fargate Spot; of 100, one in a hundred still does not.
        architecture: ``X86_64`` or ``ARM64``.
        image: ``tag`` (of the stack's own repository) or ``repository:tag`` or ``repository@sha256:…``.
    """

    cpu: int = 256
    memory: int = 512
    storage: int = 20
    minimum: int = 1
    maximum: int = 1
    cpu_target: int = 60
    memory_target: int = 75
    spot: int = 0
    architecture: Architecture = "X86_64"
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Size):
    """A business service.

    Attributes:
        name: Of the service, its repository, its role, its log group and its host name in the stack.
        port: Where it listens for requests, health checks and scrapes.
        health_path: Answers 200 when the task can take requests.
        metrics_path: Answers in Prometheus' text format.
        host: Host name that the load balancer sends to it; "" for the stack's domain.
        path: Path pattern that the load balancer sends to it: ``/payments/*``; "" keeps it private, reachable
            by other services only.
        command: Instead of the image's own.
        user: User id in the container; ECS.20 wants one that is not 0.
        read_only: Mount the root file system read-only; ``/tmp`` stays writable.
        database: Give it the database's address and password.
        calls: Names of applications whose port it may reach.
        reaches: What else it may reach besides AWS and HTTPS: ``tcp:587:203.0.113.0/24`` (or ``udp``), as a list.
        environment: Variables of the container; never secrets.
        secrets: Variables of the container: ``name`` of a secret in Secrets Manager, or its whole ARN (which ends in
            six letters of AWS's); either may be followed by ``:json_key``.
        secret_keys: ARNs of the KMS keys that these secrets are encrypted with; none for AWS's own key.
        policies: ARNs of managed policies for its task role, beyond what obskit knows that it needs.
        grace_seconds: After its start a task's failing health checks are overlooked that long.
        stop_seconds: Between SIGTERM and SIGKILL.
        image_owner: ``ci``: once created, only ``release`` changes the image; ``spec``: this file does.
        breaker_threshold: Failed tasks after which a deployment is rolled back; 0 for AWS's own formula.
    """

    name: str
    port: int = 8080
    health_path: str = "/health"
    metrics_path: str = "/metrics"
    host: str = ""
    path: str = ""
    command: tuple[str, ...] = ()
    user: str = "10001"
    read_only: bool = True
    database: bool = False
    calls: tuple[str, ...] = ()
    reaches: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    secret_keys: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    grace_seconds: int = 60
    stop_seconds: int = 30
    image_owner: Literal["ci", "spec"] = "ci"
    breaker_threshold: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher(Size):
    """One of the services that watch: prometheus, grafana, loki, alloy, node-exporter.

    Attributes:
        name: As above.
    """

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The VPC.

    Attributes:
        cidr: Of the VPC.
        zones: How many availability zones; at least two.
        nat: ``one``, ``zone`` (one in each), or ``none`` (then `endpoints` must be true, and ``registry`` lie in ECR).
        endpoints: Reach ECR, S3, logs and secrets by VPC endpoints instead of the internet.
        flow_logs: Write rejected connections to a log group.
    """

    cidr: str = "10.40.0.0/16"
    zones: int = 2
    nat: Literal["one", "zone", "none"] = "one"
    endpoints: bool = False
    flow_logs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """PostgreSQL on RDS.

    Attributes:
        engine_version: Major version, or major.minor.
        instance: Instance class.
        storage: GiB.
        storage_limit: GiB up to which RDS grows it by itself; 0 for never.
        replica: Keep a standby in another zone.
        backup_days: Days that automatic backups are kept.
        protected: Refuse deletion until this is switched off.
        name: Of the database and its owner within PostgreSQL.
    """

    engine_version: str = "16"
    instance: str = "db.t4g.micro"
    storage: int = 20
    storage_limit: int = 100
    replica: bool = False
    backup_days: int = 7
    protected: bool = True
    name: str = "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How the world comes in.

    Attributes:
        hosted_zone: Route 53 zone that the domain lies in; "" for the closest one that the account has.
        certificate: ARN of an ACM certificate that exists; "" to have one made and validated by DNS.
        grafana: Host name of Grafana; "" for ``grafana.`` before the domain.
        allow: CIDRs that may reach the load balancer.
        policy: TLS policy of the listener.
        protected: Refuse deletion of the load balancer until this is switched off.
        access_logs: Write the load balancer's access logs to a bucket.
    """

    hosted_zone: str = ""
    certificate: str = ""
    grafana: str = ""
    allow: tuple[str, ...] = ("0.0.0.0/0",)
    policy: str = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    protected: bool = False
    access_logs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """How the stack is watched.

    Attributes:
        log_days: Days that log groups keep their lines.
        loki_days: Days that Loki keeps its chunks.
        metrics_days: Days that Prometheus keeps its samples; objectives of 30 days need at least 31.
        discovery: ``ecs``: Prometheus (3.8 or newer) asks ECS for tasks; ``dns``: it asks Cloud Map, which tells
            of no more than eight tasks a service.
        workspace: Also write samples to a workspace of Amazon Managed Prometheus.
        insights: Container Insights of the cluster: ``enhanced``, ``enabled``, ``disabled``.
        obskit_url: A webhook that Alertmanager posts every alert to; "" tells nobody: they are seen in Grafana alone.
    """

    log_days: int = 30
    loki_days: int = 31
    metrics_days: int = 31
    discovery: Literal["ecs", "dns"] = "ecs"
    workspace: bool = False
    insights: Literal["enhanced", "enabled", "disabled"] = "enhanced"
    obskit_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ci:
    """The role that a GitHub Actions workflow takes by OIDC.

    Attributes:
        repository: ``owner/name``; "" makes no role.
        branch: That may take it.
        environment: GitHub environment that may take it, instead of the branch; "" for none.
    """

    repository: str = ""
    branch: str = "main"
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A security finding that is meant.

    Attributes:
        id: As Security Hub or Checkov calls it: ``ECS.20``, ``CKV_AWS_149``.
        reason: Why it is meant.
        resource: Address, or a pattern with ``*``.
    """

    id: str
    reason: str
    resource: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSpec:
    """The whole wanted stack.

    Attributes:
        name: Begins the name of everything; at most 20 characters.
        region: Where it stands; "" for what AWS's own chain says.
        domain: Host name of the public service.
        owner: Who answers for it; a tag.
        registry: Where images of quay.io, docker.io and public.ecr.aws are fetched instead, below ``quay/``,
            ``docker-hub/`` and ``ecr-public/``, as pull-through caches of ECR are called
            (``123456789012.dkr.ecr.eu-west-1.amazonaws.com``); or a mirror that asks for no login. "" for there.
        commit: Of the repository; a tag. Not a key of the file.
        applications: The business services.
        watchers: prometheus, grafana, loki, alloy, node-exporter.
        network, database, entry, telemetry, ci: Sections; the database is None where none is wanted.
        waivers: Security findings that are meant.
    """

    name: str
    domain: str
    region: str = ""
    owner: str = "unknown"
    registry: str = ""
    commit: str = ""
    applications: tuple[Application, ...] = ()
    watchers: tuple[Watcher, ...] = ()
    network: Network = field(default_factory=Network)
    database: Database | None = field(default_factory=Database)
    entry: Entry = field(default_factory=Entry)
    telemetry: Telemetry = field(default_factory=Telemetry)
    ci: Ci = field(default_factory=Ci)
    waivers: tuple[Waiver, ...] = ()

    def full(self, name: str) -> str:
        """Return the name that something of this stack bears in AWS: ``shop-demo-app``."""
        return f"{self.name}-{name}"

    @property
    def namespace(self) -> str:
        """The private DNS zone in which services find each other: ``loki.shop.internal``."""
        return f"{self.name}.internal"

    @property
    def grafana_host(self) -> str:
        """Where Grafana is."""
        return self.entry.grafana or f"grafana.{self.domain}"

    def watcher(self, name: str) -> Watcher:
        """Return one of the watchers.

        Raises:
            KeyError: There is none of that name.
        """
        return {w.name: w for w in self.watchers}[name]
