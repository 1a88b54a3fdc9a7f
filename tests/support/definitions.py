"""A good task definition, and everything that AWS would refuse of one, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Definition = dict[str, Any]
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf"
AWSLOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/shop", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "app"},
}
GOOD: Definition = {
    "family": "shop-demo-app",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "512",
    "memory": "1024",
    "executionRoleArn": "arn:aws:iam::123456789012:role/shop-execution",
    "taskRoleArn": "arn:aws:iam::123456789012:role/shop-demo-app",
    "ephemeralStorage": {"sizeInGiB": 21},
    "volumes": [{"name": "tmp"}],
    "containerDefinitions": [
        {
            "name": "app",
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/demo-app:1.0.0",
            "essential": True,
            "user": "10001",
            "portMappings": [{"containerPort": 8080}],
            "environment": [
                {"name": "PORT", "value": "8080"},
                {"name": "TOPIC", "value": "arn:aws:sns:x:123456789012:t"},
            ],
            "secrets": [{"name": "DB_PASSWORD", "valueFrom": f"{SECRET}:password::"}],
            "mountPoints": [{"sourceVolume": "tmp", "containerPath": "/tmp"}],
            "logConfiguration": {"logDriver": "awsfirelens", "options": {"Name": "loki"}},
            "dependsOn": [{"containerName": "router", "condition": "START"}],
            "healthCheck": {"command": ["CMD", "check"]},
            "stopTimeout": 120,
            "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
        },
        {
            "name": "router",
            "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:3",
            "firelensConfiguration": {"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}},
            "logConfiguration": AWSLOGS,
        },
        {"name": "init", "image": "busybox:1", "essential": False, "logConfiguration": AWSLOGS},
    ],
}


def of(name: str) -> Callable[[Definition], Definition]:
    """Return what finds a container."""
    return lambda d: next(c for c in d["containerDefinitions"] if c["name"] == name)


def task(**changes: Any) -> Callable[[Definition], Any]:
    """Return what changes the task; None takes a key out."""
    return lambda d: _change(d, changes)


def app(**changes: Any) -> Callable[[Definition], Any]:
    """Return what changes the program's container."""
    return lambda d: _change(of("app")(d), changes)


def router(**changes: Any) -> Callable[[Definition], Any]:
    """Return what changes the router."""
    return lambda d: _change(of("router")(d), changes)


def init(**changes: Any) -> Callable[[Definition], Any]:
    """Return what changes the third container."""
    return lambda d: _change(of("init")(d), changes)


def both(*turns: Callable[[Definition], Any]) -> Callable[[Definition], Any]:
    """Return what changes several things."""
    return lambda d: [turn(d) for turn in turns]


def environment(name: str, value: str) -> Callable[[Definition], Any]:
    """Return what adds a variable to the program."""
    return lambda d: of("app")(d)["environment"].append({"name": name, "value": value})


def firelens(**options: str) -> Callable[[Definition], Any]:
    """Return what gives the router options."""
    given = {name.replace("_", "-"): value for name, value in options.items()}
    return router(firelensConfiguration={"type": "fluentbit", "options": given})


def _change(where: Definition, changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            where.pop(key, None)
        else:
            where[key] = value


def awslogs(**options: Any) -> dict[str, Any]:
    """Return a log configuration with options changed."""
    given = dict(AWSLOGS["options"]) | {name.replace("_", "-"): value for name, value in options.items()}  # type: ignore[arg-type]
    return {"logDriver": "awslogs", "options": {k: v for k, v in given.items() if v is not None}}


def waits(name: str, condition: str) -> list[Definition]:
    """Return a dependency."""
    return [{"containerName": name, "condition": condition}]


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
#: What is wrong -> how it is made, and the path that is told.
BAD: dict[str, tuple[Callable[[Definition], Any], str]] = {
    # nine that an emulator of ECS takes without a word
    "cpu and memory that do not go together": (task(cpu="256", memory="4096"), "memory"),
    "bridge network": (task(networkMode="bridge"), "networkMode"),
    "no execution role": (task(executionRoleArn=None), "executionRoleArn"),
    "no cpu": (task(cpu=None), "cpu"),
    "privileged": (app(privileged=True), "containers.app.privileged"),
    "10 GiB of storage": (task(ephemeralStorage={"sizeInGiB": 10}), "ephemeralStorage.sizeInGiB"),
    "nothing essential": (
        task(containerDefinitions=[{"name": "app", "image": "busybox:1", "essential": False}], volumes=None),
        "containers",
    ),
    "unknown dependency": (app(dependsOn=waits("nobody", "START")), "containers.app.dependsOn.nobody"),
    "the docker socket": (
        task(volumes=[{"name": "tmp", "host": {"sourcePath": "/var/run/docker.sock"}}]),
        "volumes.tmp.host.sourcePath",
    ),
    # the task
    "no family": (task(family=None), "family"),
    "a family with a dot": (task(family="shop.app"), "family"),
    "no network mode": (task(networkMode=None), "networkMode"),
    "not for Fargate": (task(requiresCompatibilities=["EC2"]), "requiresCompatibilities"),
    "no memory": (task(memory=None), "memory"),
    "an unknown cpu": (task(cpu="300"), "cpu"),
    "memory between two steps": (task(cpu="8192", memory="17408"), "memory"),
    "words that are no number": (task(memory="much"), "memory"),
    "20 GiB, which come anyway": (task(ephemeralStorage={"sizeInGiB": 20}), "ephemeralStorage.sizeInGiB"),
    "too much storage": (task(ephemeralStorage={"sizeInGiB": 201}), "ephemeralStorage.sizeInGiB"),
    "an unknown architecture": (task(runtimePlatform={"cpuArchitecture": "SPARC"}), "runtimePlatform.cpuArchitecture"),
    "Windows on ARM": (
        task(
            cpu="1024",
            memory="2048",
            runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
        ),
        "runtimePlatform.cpuArchitecture",
    ),
    "Windows on half a CPU": (task(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}), "cpu"),
    "placement": (task(placementConstraints=[{"type": "memberOf"}]), "placementConstraints"),
    "ipc": (task(ipcMode="task"), "ipcMode"),
    "the host's processes": (task(pidMode="host"), "pidMode"),
    "no role": (task(taskRoleArn="arn:aws:iam::1:user/me"), "taskRoleArn"),
    "too long": (environment("TEXT", "x" * 65_536), ""),
    "too many tags": (task(tags=[{"key": str(n), "value": ""} for n in range(51)]), "tags"),
    "no containers": (task(containerDefinitions=[]), "containers"),
    "too many containers": (
        lambda d: d["containerDefinitions"].extend({"name": f"c{n}", "image": "i:1"} for n in range(8)),
        "containers",
    ),
    # volumes
    "two volumes of one name": (task(volumes=[{"name": "tmp"}, {"name": "tmp"}]), "volumes.tmp"),
    "a volume without a name": (lambda d: d["volumes"].append({}), "volumes.1"),
    "a volume of Docker": (
        task(volumes=[{"name": "tmp", "dockerVolumeConfiguration": {"scope": "task"}}]),
        "volumes.tmp.dockerVolumeConfiguration",
    ),
    "a volume that nobody declares": (task(volumes=[]), "containers.app.mountPoints./tmp"),
    "two volumes at one path": (
        lambda d: of("app")(d)["mountPoints"].append({"sourceVolume": "tmp", "containerPath": "/tmp"}),
        "containers.app.mountPoints./tmp",
    ),
    "a relative path": (
        app(mountPoints=[{"sourceVolume": "tmp", "containerPath": "data"}]),
        "containers.app.mountPoints.data",
    ),
    "volumes from nobody": (app(volumesFrom=[{"sourceContainer": "nobody"}]), "containers.app.volumesFrom.nobody"),
    # containers
    "two containers of one name": (init(name="app"), "containers.app"),
    "a name with a blank": (init(name="the app"), "containers.the app.name"),
    "no image": (app(image=None), "containers.app.image"),
    "an image with a blank": (app(image="my image"), "containers.app.image"),
    "a digest that is none": (app(image="shop/app@sha256:abc"), "containers.app.image"),
    "a user that is none": (app(user="-1"), "containers.app.user"),
    "links": (app(links=["router"]), "containers.app.links"),
    "a host name": (app(hostname="me"), "containers.app.hostname"),
    "name servers": (app(dnsServers=["1.1.1.1"]), "containers.app.dnsServers"),
    "search domains": (app(dnsSearchDomains=["a.b"]), "containers.app.dnsSearchDomains"),
    "extra hosts": (app(extraHosts=[{"hostname": "a", "ipAddress": "1.1.1.1"}]), "containers.app.extraHosts"),
    "security options": (app(dockerSecurityOptions=["label:x"]), "containers.app.dockerSecurityOptions"),
    "no network": (app(disableNetworking=True), "containers.app.disableNetworking"),
    "a GPU": (app(resourceRequirements=[{"type": "GPU", "value": "1"}]), "containers.app.resourceRequirements"),
    "shared memory": (app(linuxParameters={"sharedMemorySize": 1}), "containers.app.linuxParameters.sharedMemorySize"),
    "swappiness": (app(linuxParameters={"swappiness": 0}), "containers.app.linuxParameters.swappiness"),
    "a capability": (
        app(linuxParameters={"capabilities": {"add": ["SYS_ADMIN"]}}),
        "containers.app.linuxParameters.capabilities.add",
    ),
    "waiting too long": (app(stopTimeout=121), "containers.app.stopTimeout"),
    "starting too long": (app(startTimeout=600), "containers.app.startTimeout"),
    "an unknown limit": (
        app(ulimits=[{"name": "files", "softLimit": 1, "hardLimit": 1}]),
        "containers.app.ulimits.files",
    ),
    "a soft limit above the hard": (
        app(ulimits=[{"name": "nofile", "softLimit": 2, "hardLimit": 1}]),
        "containers.app.ulimits.nofile",
    ),
    "a limit twice": (
        app(ulimits=[{"name": "nofile", "softLimit": 1, "hardLimit": 1}] * 2),
        "containers.app.ulimits.nofile",
    ),
    "memory of the containers": (both(app(memory=800), init(memory=225)), "memory"),
    "reserved memory of the containers": (both(app(memoryReservation=800), init(memory=225)), "memory"),
    "more reserved than allowed": (app(memory=100, memoryReservation=200), "containers.app.memoryReservation"),
    "too little memory": (app(memory=4), "containers.app.memory"),
    "cpu of the containers": (both(app(cpu=500), init(cpu=13)), "cpu"),
    # ports
    "another host port": (
        app(portMappings=[{"containerPort": 8080, "hostPort": 80}]),
        "containers.app.portMappings.8080/tcp",
    ),
    "a port that is none": (app(portMappings=[{"containerPort": 70_000}]), "containers.app.portMappings.70000/tcp"),
    "no port": (app(portMappings=[{}]), "containers.app.portMappings.None/tcp"),
    "an unknown protocol": (
        app(portMappings=[{"containerPort": 1, "protocol": "sctp"}]),
        "containers.app.portMappings.1/sctp",
    ),
    "one port twice": (init(portMappings=[{"containerPort": 8080}]), "containers"),
    # health
    "a check without a command": (app(healthCheck={"command": ["curl", "x"]}), "containers.app.healthCheck.command"),
    "a check too often": (
        app(healthCheck={"command": ["CMD", "x"], "interval": 4}),
        "containers.app.healthCheck.interval",
    ),
    "a check with too many retries": (
        app(healthCheck={"command": ["CMD", "x"], "retries": 11}),
        "containers.app.healthCheck.retries",
    ),
    # dependencies
    "healthy without a check": (init(dependsOn=waits("router", "HEALTHY")), "containers.init.dependsOn.router"),
    "success of what is essential": (init(dependsOn=waits("app", "SUCCESS")), "containers.init.dependsOn.app"),
    "an unknown condition": (init(dependsOn=waits("app", "DONE")), "containers.init.dependsOn.app"),
    "waiting for itself": (init(dependsOn=waits("init", "START")), "containers"),
    "a circle": (
        both(app(dependsOn=waits("init", "START")), init(dependsOn=waits("app", "START"))),
        "containers",
    ),
    "a router that waits for what logs by it": (
        both(app(dependsOn=None), router(dependsOn=waits("app", "START"))),
        "containers",
    ),
    # logs
    "a driver of Docker": (
        app(logConfiguration={"logDriver": "json-file"}),
        "containers.app.logConfiguration.logDriver",
    ),
    "awslogs without a group": (
        app(logConfiguration=awslogs(awslogs_group=None)),
        "containers.app.logConfiguration.options.awslogs-group",
    ),
    "awslogs without a prefix": (
        app(logConfiguration=awslogs(awslogs_stream_prefix=None)),
        "containers.app.logConfiguration.options.awslogs-stream-prefix",
    ),
    "an unknown mode": (
        app(logConfiguration=awslogs(mode="fast")),
        "containers.app.logConfiguration.options.mode",
    ),
    "a buffer where nothing is buffered": (
        app(logConfiguration=awslogs(mode="blocking", max_buffer_size="4m")),
        "containers.app.logConfiguration.options.max-buffer-size",
    ),
    "a buffer too large": (
        app(logConfiguration={"logDriver": "awsfirelens", "options": {"log-driver-buffer-limit": "536870913"}}),
        "containers.app.logConfiguration.options.log-driver-buffer-limit",
    ),
    "no router": (router(firelensConfiguration=None), "containers.app.logConfiguration"),
    "two routers": (init(essential=True, firelensConfiguration={"type": "fluentbit"}), "containers"),
    "a router that may end": (router(essential=False), "containers.router.essential"),
    "a router that logs by itself": (
        router(logConfiguration={"logDriver": "awsfirelens"}),
        "containers.router.logConfiguration",
    ),
    "an unknown router": (
        router(firelensConfiguration={"type": "vector"}),
        "containers.router.firelensConfiguration.type",
    ),
    "a router's configuration in S3": (
        firelens(config_file_type="s3", config_file_value="arn:aws:s3:::b/f"),
        "containers.router.firelensConfiguration.options.config-file-type",
    ),
    "a router's configuration from elsewhere": (
        firelens(config_file_type="http", config_file_value="x"),
        "containers.router.firelensConfiguration.options.config-file-type",
    ),
    "half a router's configuration": (
        firelens(config_file_type="file"),
        "containers.router.firelensConfiguration.options",
    ),
    "an unknown option of the router": (
        firelens(colour="blue"),
        "containers.router.firelensConfiguration.options.colour",
    ),
    "waiting until the router ends": (
        both(router(essential=True), app(dependsOn=waits("router", "COMPLETE"))),
        "containers.app.dependsOn.router",
    ),
    # environment and secrets
    "a secret by its bare name and key": (
        app(secrets=[{"name": "A", "valueFrom": "shop/db:password"}]),
        "containers.app.secrets.A",
    ),
    "a key without its colons": (
        app(secrets=[{"name": "A", "valueFrom": f"{SECRET}:password"}]),
        "containers.app.secrets.A",
    ),
    "a secret from nowhere": (app(secrets=[{"name": "A"}]), "containers.app.secrets.A"),
    "a variable twice": (environment("PORT", "1"), "containers.app.environment.PORT"),
    "a variable that is a secret, too": (environment("DB_PASSWORD", ""), "containers.app.environment.DB_PASSWORD"),
    "a variable without a name": (environment("", "x"), "containers.app.environment."),
    "a password": (environment("ADMIN_PASSWORD", "hunter2"), "containers.app.environment.ADMIN_PASSWORD"),
    "a key of AWS": (environment("AWS_SECRET_ACCESS_KEY", "abc"), "containers.app.environment.AWS_SECRET_ACCESS_KEY"),
    "a login to a registry": (
        environment("ECS_ENGINE_AUTH_DATA", "{}"),
        "containers.app.environment.ECS_ENGINE_AUTH_DATA",
    ),
    "a password in an address": (
        environment("DATABASE_URL", "postgres://app:hunter2@db:5432/app"),
        "containers.app.environment.DATABASE_URL",
    ),
    "a private key": (environment("TLS", PEM), "containers.app.environment.TLS"),
    "a file of variables that is none": (
        app(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::bucket/vars.txt"}]),
        "containers.app.environmentFiles",
    ),
}
