"""Why a task stopped: the words of ECS to one class, by tables.

The order of arguments: the container's reason, the task's stoppedReason, the stopCode, the exit
code. ECS words the same reason with and without prefixes, so patterns are searched for, not
compared. Exit code 137 means SIGKILL and no more: only a reason text makes it a kill for memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from obskit.model import Event

#: What each class is called in a line for a person, after "N tasks of S".
TITLES: Final = {
    "out_of_memory": "were killed for memory",
    "health_check_failed": "failed their health checks",
    "crash": "crashed",
    "clean_exit": "exited by themselves without an error",
    "killed_stop_timeout": "did not stop in time and were killed",
    "image_not_found": "found no such image",
    "image_pull_network": "could not reach the registry",
    "image_pull_denied": "were denied the image",
    "image_pull_throttled": "were throttled by the registry",
    "image_pull_failed": "could not pull the image",
    "image_platform": "got an image for another platform",
    "image_disk_full": "ran out of disk for the image",
    "secret_denied": "were denied a secret",
    "secret_missing": "found no such secret",
    "secret_unreachable": "could not reach secrets or registry",
    "logging_setup": "could not set up their log driver",
    "entrypoint_broken": "could not run their command",
    "configuration": "were refused for their configuration",
    "capacity": "found no capacity",
    "quota": "hit an account's quota",
    "spot_interruption": "were taken back by Spot",
    "maintenance": "were retired for maintenance",
    "deployment_replacement": "were replaced by a deployment",
    "scale_in": "were stopped by scaling in",
    "user_stopped": "were stopped on request",
    "eni": "got no network interface",
    "efs": "could not mount EFS",
    "infrastructure": "failed with the infrastructure",
    "dependency_container": "lacked a container that they depend on",
    "unknown": "stopped for a reason that is not known",
}
#: Classes in which a container had run, was well placed, and ended against everybody's wish.
LOOPING: Final = frozenset({"crash", "out_of_memory", "health_check_failed", "clean_exit", "entrypoint_broken"})
#: Stops that somebody or something asked for.
WANTED: Final = frozenset({"deployment_replacement", "scale_in", "user_stopped"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A class, and what must all be found (ignoring case) in the text for it."""

    label: str
    patterns: tuple[re.Pattern[str], ...]

    def matches(self, text: str) -> bool:
        """Say whether every pattern is found."""
        return all(pattern.search(text) for pattern in self.patterns)


def _rule(label: str, *patterns: str) -> Rule:
    return Rule(label, tuple(re.compile(p, re.IGNORECASE) for p in patterns))


_PULL: Final = r"CannotPull\w*|pull image manifest has been retried|unable to pull image"
_SECRETS: Final = r"unable to pull (secrets|registry auth)|unable to retrieve secret"
_DENIED: Final = r"access ?denied|is not authorized|not authorized to perform|\b403\b|no basic auth credentials"
_NO_ROUTE: Final = (
    r"i/o timeout|request canceled|RequestCanceled|context canceled|context deadline exceeded|connection issue"
    r"|connection refused|no route to host|no such host|TLS handshake timeout|network is unreachable|signal: killed"
)
#: First match wins: the narrow before the wide, denial before absence (registries word both at once).
START_ERRORS: Final = (
    _rule("out_of_memory", r"^\W*(\(?service [^:]*: )?OutOfMemoryError"),
    _rule("image_pull_throttled", _PULL, r"toomanyrequests|pull rate limit|429 Too Many"),
    _rule("image_disk_full", r"no space left on device|devmapper: Thin Pool"),
    _rule("image_platform", _PULL, r"descriptor matching platform|no matching manifest for"),
    _rule("image_pull_denied", _PULL, _DENIED),
    _rule("image_pull_network", _PULL, r"httpReaderSeeker: failed open"),
    _rule("image_not_found", _PULL, r"not found|manifest unknown|does not exist|invalid reference format"),
    _rule("image_pull_network", _PULL, _NO_ROUTE),
    _rule("image_pull_failed", _PULL),
    _rule("secret_denied", _SECRETS, _DENIED),
    _rule(
        "secret_missing",
        _SECRETS,
        r"ResourceNotFoundException|can.t find the specified secret|ParameterNotFound|invalid parameters"
        r"|invalid character|did not contain json key",
    ),
    _rule("secret_unreachable", _SECRETS, _NO_ROUTE),
    _rule(
        "logging_setup", r"failed to validate logger args|failed to initialize logging driver|log group does not exist"
    ),
    _rule("secret_denied", r"failed to download env files", _DENIED),
    _rule("configuration", r"failed to download env files"),
    _rule("efs", r"EFS utils|mount\.nfs4|Failed to resolve .?fs-[0-9a-f]"),
    _rule("eni", r"failed to configure ENI"),
    _rule("dependency_container", r"TaskDependencyError|dependency .*was not (healthy|complete|successful)"),
    _rule("entrypoint_broken", r"CannotStartContainerError|executable file not found in|exec format error"),
    _rule("infrastructure", r"ContainerRuntimeTimeoutError|DockerTimeoutError|ContainerRuntimeError"),
    _rule("infrastructure", r"CannotCreateVolumeError|CannotCreateContainerError|ContainerNetworkingError"),
    _rule("configuration", r"HostConfigError|InvalidVolumeError|DockerClientConfigError"),
    _rule("secret_missing", r"^\W*ResourceNotFoundException"),
)
TASK_REASONS: Final = (
    _rule("health_check_failed", r"failed (ELB|container) health checks|failed health checks in|is unhealthy in"),
    _rule("scale_in", r"Scaling activity initiated by"),
    _rule("maintenance", r"performing maintenance on the underlying|instance is in DRAINING state"),
    _rule("spot_interruption", r"Spot Task was interrupted|SpotInterruptionError"),
    _rule("infrastructure", r"Host EC2 \(instance .*(stopped|terminated)"),
    _rule("eni", r"InsufficientFreeAddressesInSubnet|network interface provisioning|Create Network Interface"),
    _rule("eni", r"Unexpected EC2 error while attempting to"),
    _rule("infrastructure", r"EphemeralStorage provisioning"),
    _rule("configuration", r"not compatible with the selected compute strategy"),
    _rule("capacity", r"unused device index|Capacity is unavailable at this time"),
    _rule("quota", r"reached the limit on the number of|is above your limit"),
    _rule("infrastructure", r"InternalError\b|(^|Reason: )AGENT\b"),
)
#: What the runtime says while it tidies up; it explains a stop only when nothing else does.
_AFTERMATH: Final = (_rule("infrastructure", r"CannotStopContainerError|CannotInspectContainerError"),)
_STOP_CODES: Final = {
    "SpotInterruption": "spot_interruption",
    "TerminationNotice": "spot_interruption",
    "InfrastructureHealth": "infrastructure",
    "UserInitiated": "user_stopped",
}
_NOT_RUN: Final = frozenset({"125", "126", "127"})  # what Docker and shells exit with when they cannot run it
SIGKILL: Final = "137"


def _first(rules: tuple[Rule, ...], text: str) -> str:
    return next((rule.label for rule in rules if rule.matches(text)), "") if text else ""


def start_error(text: str) -> str:
    """Return the class of a start error, or "" when the text is none."""
    return _first(START_ERRORS, text)


def reason_class(text: str) -> str:
    """Return the class of a start error or stop reason alone, or "" when no rule knows it."""
    return start_error(text) or _first(TASK_REASONS, text)


def classify(event: Event) -> str:
    """Return the class of a ``task_stopped`` event: a key of `TITLES`.

    Args:
        event: With ``container_reason`` and ``exit_code`` of the container that explains the stop.
    """
    label = _by_words(event) or _STOP_CODES.get(event.code, "") or _by_exit(event)
    if label == "scale_in" and _replaced(event):
        label = "deployment_replacement"
    if event.detail("exit_code") == SIGKILL and (
        label in WANTED or (label == "unknown" and event.code == "ServiceSchedulerInitiated")
    ):
        return "killed_stop_timeout"
    return label


def _by_words(event: Event) -> str:
    if event.code == "UserInitiated":
        return ""  # the text is the caller's own, and may say anything
    reason = event.detail("container_reason")
    return start_error(reason) or reason_class(event.message)


def _by_exit(event: Event) -> str:
    """Return the class that an exit code gives; a stop on request explains its own 0, 137 and 143."""
    code = event.detail("exit_code")
    exited = event.code == "EssentialContainerExited" or "essential container" in event.message.lower()
    asked_for = event.code == "ServiceSchedulerInitiated" or (not exited and code in ("0", "143"))
    if not code or asked_for:
        return _first(_AFTERMATH, f"{event.detail('container_reason')}\n{event.message}") or "unknown"
    if code in _NOT_RUN:
        return "entrypoint_broken"
    return "clean_exit" if code == "0" else "crash"


def _replaced(event: Event) -> bool:
    """Say whether the deployment that stopped the task is another than the one that started it."""
    named = re.search(r"ecs-svc/\d+", event.message)
    return bool(named and event.deployment and named.group() != event.deployment)


@dataclass(frozen=True, slots=True)
class Said:
    """What a service event or action means: a finding's kind and subject, and words for a person."""

    kind: str
    subject: str
    words: str


def _said(kind: str, subject: str, words: str, *patterns: str) -> tuple[Rule, Said]:
    return _rule(kind, *patterns), Said(kind, subject, words)


_PLACE: Final = r"unable to place|could not launch|SERVICE_TASK_PLACEMENT_FAILURE"
#: First match wins. Searched in "EVENT_NAME message".
SERVICE_MESSAGES: Final = (
    _said("health_check", "target_missing", "target or target group is gone", r"TARGET (GROUP )?IS NOT FOUND"),
    _said("health_check", "target_unhealthy", "unhealthy targets", r"is unhealthy in"),
    _said("health_check", "target_unhealthy", "unhealthy targets", r"_TARGET_UNHEALTHY|DISCOVERY_INSTANCE_UNHEALTHY"),
    _said("health_check", "container_unhealthy", "failed container health checks", r"failed container health checks"),
    _said("start_impaired", "start_impaired", "tasks cannot be started consistently",
          r"unable to consistently start tasks|SERVICE_TASK_START_IMPAIRED"),
    _said("start_impaired", "configuration", "tasks are refused for their configuration",
          r"TASK_CONFIGURATION_FAILURE"),
    _said("placement_failure", "quota", "tasks cannot be placed: a quota is reached", _PLACE,
          r"reached the limit|above your limit|capacity limit was exceeded"),
    _said("placement_failure", "capacity", "tasks cannot be placed: no Fargate capacity",
          _PLACE, r"Capacity is unavailable|RESOURCE:FARGATE|could not launch"),
    _said("placement_failure", "capacity", "tasks cannot be placed: no hosts", r"No Container Instances were found"),
    _said("placement_failure", "resource", "tasks cannot be placed", _PLACE),
    _said("placement_failure", "resource", "tasks cannot be placed", r"PLACEMENT_CONSTRAINT_VIOLATED"),
    _said("permissions", "role", "ECS may no longer maintain the service: its role is broken",
          r"IAM (permissions policies|trust relationship)"),
    _said("throttled_api", "throttled_api", "ECS is throttled by another AWS API",
          r"being throttled|OPERATION_THROTTLED"),
    _said("az_rebalance", "az_rebalance", "tasks are rebalanced over zones",
          r"AZ balanced|AZ Rebalanc|SERVICE_REBALANCING"),
    _said("scaling", "scale_in_protected", "protected tasks keep it from scaling in", r"unable to scale in"),
    _said("start_impaired", "deployment_configuration", "minimum and maximum healthy percent leave no room",
          r"because of the service deployment configuration"),
    _said("start_impaired", "agent", "the host's ECS agent did not start", r"Timed out waiting for Amazon ECS Agent"),
    _said("scaling", "at_maximum", "autoscaling is at its maximum",
          r"\b(max|maximum) (capacity|task count)|already at (its |the )?max"),
    _said("scaling", "desired_count", "the desired count changed",
          r"set desired count to|SERVICE_DESIRED_COUNT_UPDATED|^\S* ?Message: "),
    _said("steady_state", "steady_state", "steady state reached", r"reached a steady state|STEADY_STATE"),
)  # fmt: skip
#: Why a health check failed, as the balancer words it.
CHECK_REASONS: Final = (
    (re.compile(r"timed out|timeout", re.IGNORECASE), "timed out"),
    (re.compile(r"\[([0-9,\s]{1,60})\]"), "answered {}"),
    (re.compile(r"refused", re.IGNORECASE), "were refused"),
    (re.compile(r"reset", re.IGNORECASE), "had their connection reset"),
)


def service_class(code: str, message: str) -> Said | None:
    """Return what a service action or message means, or None when it is routine."""
    text = f"{code} {message}"
    return next((said for rule, said in SERVICE_MESSAGES if rule.matches(text)), None)


def check_reason(message: str) -> str:
    """Return why a target is unhealthy, as a verb: ``timed out``, ``answered 503`` … ``failed``."""
    reason = message.partition("due to")[2]
    for pattern, words in CHECK_REASONS:
        found = pattern.search(reason)
        if found:
            return words.format(found.group(1).strip()) if found.groups() else words
    return "failed"
