"""One way to change AWS: boto3's own chain, retries that cannot do a thing twice, errors in words.

Throttling is refused work: any call is tried again. A server error, a lost connection or a time-out
leaves open whether the call took effect: a reading call is tried again, a writing one is not, unless
AWS makes it idempotent; its failure is marked ``ambiguous`` and `apply` looks before it tries again.
What AWS has not yet heard of itself (a role made a second ago) is waited for within bounds.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from obskit.deploy.errors import AwsError
from obskit.redact import redact

#: Error codes by which AWS services say "too fast", from botocore's retry tables.
THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
#: Words for "there is none", at the end of a code: NoSuchBucket, InvalidVpcID.NotFound, ….
_ABSENT: Final = re.compile(
    r"NotFound(Exception|Fault)?$|^NoSuch\w+$|NotFoundException$|DoesNotExist$|NonExistentQueue$|^404$|"
    r"^(ClusterNotFound|ServiceNotFound|ServiceNotActive)Exception$"
)
#: AWS has not yet heard of what it made a moment ago; code and a part of what it says.
_SETTLING: Final = (
    ("InvalidParameterException", r"unable to assume|assume the (service linked )?role|role .* (invalid|not valid)"),
    ("ClientException", r"unable to assume|role .* (invalid|not valid)"),
    ("MalformedPolicyDocument", r"invalid principal"),
    ("InvalidParameterValue", r"invalid iam instance profile|role"),
    ("ValidationError", r"assume"),
    ("ValidationException", r"assume"),
    ("FailedResourceAccessException", r""),
    ("ObjectNotFoundException", r"scalable target"),
    ("InvalidParameterException", r"associated load balancer"),
    ("InvalidConfigurationRequest", r"access denied"),
    ("UnsupportedCertificate", r""),
    ("CertificateNotFound", r""),
    ("DeleteConflict", r""),
    ("ConcurrentModification", r""),
    ("OperationAborted", r"conflicting conditional operation"),
    ("DependencyViolation", r""),
    ("InvalidDBInstanceState", r""),
    ("InvalidDBParameterGroupState", r""),
    ("InvalidDBSubnetGroupStateFault", r""),
    ("ResourceInUse", r""),
    ("ResourceInUseException", r""),
    ("ConcurrentModificationException", r""),
    ("PriorRequestNotComplete", r""),
    ("QueueDeletedRecently", r""),
)
#: What lets go of something else may take this many times longer than what is heard of: ACM and the network
#: interfaces of a load balancer or a task hold on for minutes.
_LETTING_GO: Final = ("delete_", "release_", "detach_", "disassociate_", "deregister_")
_LETTING_GO_TIMES: Final = 10
_READING: Final = ("describe_", "list_", "get_", "head_", "filter_", "batch_get_", "discover_", "lookup_", "test_")
_MAX_MESSAGE: Final = 600
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 20.0
_TRIES: Final = 8


@dataclass(slots=True)
class Aws:
    """Clients of one session, counted, retried and put into words.

    Attributes:
        session: boto3's, which knows profile, region, role and credentials.
        endpoint_url: Another address than AWS's; "" for AWS.
        sleep: Waits for so many seconds.
        monotonic: The clock that waits are measured with.
        settle_seconds: How long AWS may take to hear of what it has just made.
        calls: ``service:Operation`` -> how often it was sent.
        stopping: When it is set, nothing is waited for or tried again any more.
    """

    session: Any
    endpoint_url: str = ""
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    settle_seconds: float = 90.0
    calls: Counter[str] = field(default_factory=Counter)
    stopping: threading.Event = field(default_factory=threading.Event)
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def client(self, service: str) -> Any:
        """Return boto3's client of a service, made once; it never retries by itself."""
        from botocore.config import Config

        with self._lock:
            if service not in self._clients:
                config = Config(
                    connect_timeout=10,
                    read_timeout=60,
                    retries={"total_max_attempts": 1},
                    max_pool_connections=32,
                    user_agent_extra="obskit",
                )
                self._clients[service] = self.session.client(
                    service, endpoint_url=self.endpoint_url or None, config=config
                )
            return self._clients[service]

    def call(
        self, service: str, method: str, /, *, idempotent: bool = False, settle: bool = False, **asked: Any
    ) -> Any:
        """Call once, and again where that is safe.

        Args:
            service, method: As boto3 calls them: ``ecs``, ``create_cluster``.
            idempotent: A writing call that does no harm when it is done twice (put, tag, delete, or
                one with a client token).
            settle: Also wait, within `settle_seconds`, for AWS to hear of what was just made or let go of
                what was just deleted.
            asked: The method's arguments; those that are None are left out.

        Returns:
            The answer, without ``ResponseMetadata``.

        Raises:
            AwsError: It failed for good.
        """
        given = {key: value for key, value in asked.items() if value is not None}
        repeatable = idempotent or method.startswith(_READING)
        began, tries = self.monotonic(), 0
        while True:
            tries += 1
            try:
                return self._once(service, method, given)
            except AwsError as error:
                patience = self.settle_seconds * (_LETTING_GO_TIMES if method.startswith(_LETTING_GO) else 1)
                settling = settle and _is_settling(error) and self.monotonic() - began < patience
                again = error.code in THROTTLED or error.unsent or (error.ambiguous and repeatable)
                if self.stopping.is_set() or (not settling and (not again or tries >= _TRIES)):
                    raise
                longest = min(_FIRST_PAUSE_SECONDS * 2**tries, _LONGEST_PAUSE_SECONDS)
                self.sleep(longest * (0.5 + random.random() / 2))  # noqa: S311 (jitter, no secret)

    def _once(self, service: str, method: str, given: dict[str, Any]) -> Any:
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectionError,  # noqa: A004 (botocore's own, which Python's is no part of)
            HTTPClientError,
            NoCredentialsError,
            ParamValidationError,
            SSLError,
        )
        from botocore.parsers import ResponseParserError

        client = self.client(service)
        operation = client.meta.method_to_api_mapping[method]
        name = f"{service}:{operation}"
        self.calls[name] += 1
        try:
            answer = getattr(client, method)(**given)
        except ClientError as error:
            said = error.response.get("Error", {})
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            code, message = str(said.get("Code", "Error")), _line(str(said.get("Message", "")))
            raise AwsError(name, code, message, status=status, ambiguous=status >= 500, hint=_hint(code)) from error
        except (NoCredentialsError, ParamValidationError) as error:
            raise AwsError(name, type(error).__name__, _line(str(error)), hint=_hint(type(error).__name__)) from error
        except (HTTPClientError, ResponseParserError) as error:
            raise AwsError(name, type(error).__name__, _line(str(error)), ambiguous=True) from error
        except BotoCoreError as error:
            # no connection was made; a certificate that is not trusted will not be at the next try
            unsent = isinstance(error, ConnectionError) and not isinstance(error, SSLError)
            code = type(error).__name__
            raise AwsError(name, code, _line(str(error)), unsent=unsent, hint=_hint(code)) from error
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
        return answer

    def pages(self, service: str, method: str, key: str, /, **asked: Any) -> Iterator[Any]:
        """Yield the rows of all pages, by boto3's own knowledge of how a method pages.

        Args:
            service, method: As boto3 calls them.
            key: Which list of the answer.
            asked: The method's arguments.

        Raises:
            AwsError: A page failed for good.
        """
        client = self.client(service)
        if not client.can_paginate(method):
            yield from self.call(service, method, **asked).get(key) or ()
            return
        paging = client.get_paginator(method)._pagination_cfg  # botocore tells it nowhere else
        sent, told = _as_list(paging["input_token"]), _as_list(paging["output_token"])
        while True:
            answer = self.call(service, method, **asked)
            yield from answer.get(key) or ()
            tokens = {one: _at(answer, other) for one, other in zip(sent, told, strict=True)}
            if paging.get("more_results") and not _at(answer, paging["more_results"]):
                return
            if not any(tokens.values()):
                return
            asked = {**asked, **{name: token for name, token in tokens.items() if token}}

    def until(self, why: Callable[[], str], *, patience_seconds: float, what: str) -> None:
        """Wait until a question has no answer any more.

        Args:
            why: Why it is still to be waited; "" when it is not.
            patience_seconds: After which waiting is given up.
            what: What is waited for, for the error.

        Raises:
            AwsError: It took too long.
        """
        began, pause = self.monotonic(), 1.0
        while reason := why():
            if self.stopping.is_set():
                hint = "run the same command again to go on from here"
                raise AwsError(what, "Stopped", f"no longer waited for: {reason}", hint=hint)
            if self.monotonic() - began > patience_seconds:
                hint = "look at it in AWS's console; run the same command again to go on from here"
                raise AwsError(what, "TimedOut", f"still waiting after {patience_seconds:.0f} s: {reason}", hint=hint)
            self.sleep(pause)
            pause = min(pause * 1.5, 15.0)


def absent(error: AwsError) -> bool:
    """Tell whether a failure says that the thing is not there."""
    return bool(_ABSENT.search(error.code)) or (error.status == 404 and error.code in ("NotFound", "404"))


def quiet(call: Callable[[], Any]) -> Any:
    """Call, and return None where the thing is not there.

    Raises:
        AwsError: It failed otherwise.
    """
    try:
        return call()
    except AwsError as error:
        if absent(error):
            return None
        raise


def _is_settling(error: AwsError) -> bool:
    # SQS says "AWS.SimpleQueueService.QueueDeletedRecently" where others say the last word alone
    said = error.code.rpartition(".")[2]
    return any(said == code and re.search(words, error.message, re.IGNORECASE) for code, words in _SETTLING)


def _hint(code: str) -> str:
    if code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"):
        return "the role or user that runs this lacks that permission"
    if code in ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"):
        return "sign in again: the credentials are not valid (any more)"
    if code in ("NoCredentialsError", "NoRegionError", "PartialCredentialsError", "ProfileNotFound"):
        return "set AWS_PROFILE, or run where a role is given"
    if code in ("SSOTokenLoadError", "UnauthorizedSSOTokenError", "TokenRetrievalError"):
        return "sign in again: aws sso login"
    return ""


def _line(text: str) -> str:
    return redact(" ".join(text.split()))[:_MAX_MESSAGE]


def _as_list(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]


def _at(answer: Any, path: str) -> Any:
    import jmespath  # botocore brings it

    return jmespath.search(path, answer)
