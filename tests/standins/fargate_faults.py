"""Faults between boto3 and AWS, at the k-th call or at a call of a name.

Shapes of failures: a throttled call is refused with the code that its service uses and has no effect; a
server error and a lost connection leave open whether the call took effect, so each can be had before and
after it; a kill is the process dying there. Works on any boto3 session, mocked by moto or not, because
botocore itself calls the hooks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, Literal

Fault = Literal[
    "throttle", "500", "500 after effect", "lost", "lost after effect", "kill", "kill after effect", "denied"
]
#: By boto3's name of the service, from botocore's retry tables: (code, HTTP status).
THROTTLING: Final[dict[str, tuple[str, int]]] = {
    "acm": ("ThrottlingException", 400),
    "ec2": ("RequestLimitExceeded", 503),
    "elbv2": ("Throttling", 400),
    "iam": ("Throttling", 400),
    "rds": ("Throttling", 400),
    "route53": ("Throttling", 400),
    "s3": ("SlowDown", 503),
    "servicediscovery": ("RequestLimitExceeded", 400),
    "sqs": ("RequestThrottled", 403),
    "sts": ("Throttling", 400),
}
_THROTTLED_JSON: Final = ("ThrottlingException", 400)


class Killed(BaseException):
    """The process died here. No `Exception`: nothing that catches errors catches it."""


@dataclass
class Injector:
    """Counts the calls of a session and spoils some.

    Made before the session's clients are: botocore copies the hooks into each client.

    Attributes:
        session: boto3's.
        calls: ``service:Operation`` of each call that left, in order; position k is ``calls[k]``.
        spoiled: Those that a fault met, as ``(position, name, fault)``.
    """

    session: Any
    calls: list[str] = field(default_factory=list)
    spoiled: list[tuple[int, str, Fault]] = field(default_factory=list)
    _plans: dict[int | str, list[Fault]] = field(default_factory=dict)
    _dead: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _running: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        self.session.events.register_first("before-call", self._before)
        self.session.events.register_first("after-call", self._after)

    def fail(self, where: int | str, fault: Fault, times: int = 1) -> Injector:
        """Spoil a call.

        Args:
            where: Position, counted from 0 since the last `reset`, or name: ``ecs:CreateService``.
            fault: What happens.
            times: For a name: how many of its next calls; for a position: it and those that follow.
        """
        with self._lock:
            if isinstance(where, str):
                self._plans.setdefault(where, []).extend([fault] * times)
            else:
                for position in range(where, where + times):
                    self._plans.setdefault(position, []).append(fault)
        return self

    def reset(self) -> None:
        """Forget the calls and the faults to come; who was killed lives again."""
        with self._lock:
            self.calls.clear()
            self.spoiled.clear()
            self._plans.clear()
            self._dead = False

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Let this thread look at AWS without being counted or spoiled."""
        self._running.quiet = True
        try:
            yield
        finally:
            self._running.quiet = False

    def _before(self, model: Any, context: Any, **_: Any) -> Any:
        if getattr(self._running, "quiet", False):
            return None
        service = str(model.service_model.service_name)
        name = f"{service}:{model.name}"
        with self._lock:
            if self._dead:
                raise Killed(f"{name} after the process died")
            position = len(self.calls)
            self.calls.append(name)
            fault = self._next(position, name)
        context["obskit_fault"] = fault
        if fault == "kill":
            self._die(name)
        if fault == "throttle":
            return _refused(*THROTTLING.get(service, _THROTTLED_JSON), "Rate exceeded")
        if fault == "500":
            return _refused("InternalFailure", 500, "An internal error has occurred")
        if fault == "denied":
            return _refused("AccessDeniedException", 400, f"not authorized to perform: {name}")
        if fault == "lost":
            raise _lost()
        return None

    def _next(self, position: int, name: str) -> Fault | None:
        for key in (position, name):
            if self._plans.get(key):
                fault = self._plans[key].pop(0)
                self.spoiled.append((position, name, fault))
                return fault
        return None

    def _after(self, http_response: Any, parsed: dict[str, Any], model: Any, context: Any, **_: Any) -> None:
        fault = context.pop("obskit_fault", None)
        if fault == "kill after effect":
            self._die(str(model.name))
        if fault == "lost after effect":
            raise _lost()
        if fault == "500 after effect":
            http, failure = _refused("InternalFailure", 500, "An internal error has occurred")
            http_response.status_code = http.status_code
            parsed.clear()
            parsed.update(failure)

    def _die(self, name: str) -> None:
        with self._lock:
            self._dead = True
        raise Killed(name)


def _refused(code: str, status: int, message: str) -> tuple[Any, dict[str, Any]]:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": "injected"}
    parsed = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
    return SimpleNamespace(status_code=status, headers={}), parsed


def _lost() -> Exception:
    from botocore.exceptions import ConnectionClosedError

    return ConnectionClosedError(endpoint_url="https://amazonaws.com")
