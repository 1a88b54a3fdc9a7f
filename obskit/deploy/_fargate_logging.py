"""What AWS would refuse of the logging of a task's containers on Fargate; a part of `fargate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from obskit.deploy.fargate import LOG_DRIVERS, Problem, rows

_AWSLOGS: Final = ("awslogs-group", "awslogs-region", "awslogs-stream-prefix")
_MODES: Final = ("blocking", "non-blocking")
_ROUTERS: Final = ("fluentbit", "fluentd")
_ROUTER_OPTIONS: Final = ("enable-ecs-log-metadata", "config-file-type", "config-file-value")
#: Bytes of the buffer between a container and the router.
_MOST_BUFFER: Final = 536_870_912


def problems(containers: list[Mapping[str, Any]]) -> Iterator[Problem]:
    """Yield all that is wrong with how containers log. Pure."""
    for one in containers:
        yield from _driver(f"containers.{one.get('name')}.logConfiguration", one.get("logConfiguration"))
    routers = [one for one in containers if one.get("firelensConfiguration")]
    routed = [one for one in containers if _driver_of(one) == "awsfirelens"]
    names = [str(one.get("name")) for one in routers]
    if len(routers) > 1:
        yield Problem("containers", f"a task has one log router, not {len(routers)}: {', '.join(names)}", "keep one")
    if routed and not routers:
        name = routed[0].get("name")
        hint = "add a container with firelensConfiguration, for example aws-for-fluent-bit"
        yield Problem(
            f"containers.{name}.logConfiguration", "it logs by awsfirelens, but no container is a router", hint
        )
    for router in routers:
        yield from _router(router)
    for one in routed:
        for row in rows(one.get("dependsOn")):
            if row.get("containerName") in names and row.get("condition") not in ("START", "HEALTHY"):
                where = f"containers.{one.get('name')}.dependsOn.{row.get('containerName')}"
                yield Problem(where, "a router runs as long as the task", "START or HEALTHY")


def _driver_of(one: Mapping[str, Any]) -> Any:
    return (one.get("logConfiguration") or {}).get("logDriver")


def _driver(path: str, logging: Any) -> Iterator[Problem]:
    if not isinstance(logging, Mapping):
        return
    driver, options = logging.get("logDriver"), logging.get("options") or {}
    if driver not in LOG_DRIVERS:
        yield Problem(f"{path}.logDriver", f"{driver} is not for Fargate", ", ".join(LOG_DRIVERS))
    for name in _AWSLOGS if driver == "awslogs" else ():
        if not options.get(name):
            yield Problem(f"{path}.options.{name}", f"awslogs needs {name} on Fargate", "set it")
    mode = options.get("mode")
    if mode is not None and mode not in _MODES:
        yield Problem(f"{path}.options.mode", f"there is no mode {mode}", " or ".join(_MODES))
    if driver == "awslogs" and options.get("max-buffer-size") and mode == "blocking":
        yield Problem(f"{path}.options.max-buffer-size", "only mode non-blocking has a buffer", "mode = non-blocking")
    limit = str(options.get("log-driver-buffer-limit", "0"))
    if not limit.isdigit() or int(limit) > _MOST_BUFFER:
        yield Problem(f"{path}.options.log-driver-buffer-limit", f"{limit} is out of bounds", f"0 to {_MOST_BUFFER}")


def _router(router: Mapping[str, Any]) -> Iterator[Problem]:
    path, config = f"containers.{router.get('name')}", router["firelensConfiguration"]
    if not router.get("essential", True):
        yield Problem(f"{path}.essential", "without its router a task writes no logs", "make the router essential")
    if _driver_of(router) == "awsfirelens":
        yield Problem(f"{path}.logConfiguration", "a router cannot log by itself", "awslogs")
    if config.get("type") not in _ROUTERS:
        yield Problem(f"{path}.firelensConfiguration.type", f"{config.get('type')} is none", " or ".join(_ROUTERS))
    options = config.get("options") or {}
    where = f"{path}.firelensConfiguration.options"
    for name in sorted(set(options) - set(_ROUTER_OPTIONS)):
        yield Problem(f"{where}.{name}", f"there is no option {name}", ", ".join(_ROUTER_OPTIONS))
    kind, value = options.get("config-file-type"), options.get("config-file-value")
    if kind == "s3":
        yield Problem(f"{where}.config-file-type", "Fargate reads no configuration from S3", "file, within the image")
    elif kind not in (None, "file"):
        yield Problem(f"{where}.config-file-type", f"there is no type {kind}", "file")
    if (kind is None) != (value is None):
        yield Problem(where, "config-file-type and config-file-value go together", "give both or neither")
