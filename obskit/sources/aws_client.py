"""One way to speak to AWS: default credentials, bounded retries, one deadline, errors in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from obskit.sources.together import at_once

Answer = TypeVar("Answer")

#: First try and two more: throttling passes within seconds or not at all.
_ATTEMPTS: Final = 3
_LONGEST_WAIT_SECONDS: Final = 5.0
_SHORTEST_WAIT_SECONDS: Final = 0.2
_MAX_PAGES: Final = 100
_MAX_REASON: Final = 300


class AwsFailure(Exception):  # noqa: N818 (it never leaves the sources: there it becomes a gap)
    """A call to AWS failed.

    Args:
        call: As IAM names it: ``ecs:ListTasks``; "" when no call was made.
        reason: Error code and what AWS said, on one line.
    """

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f"{call}: {reason}" if call else reason)
        self.call, self.reason = call, reason


class Aws:
    """Clients of one account and region, made when they are first needed.

    Args:
        region, profile: "" for what the environment says.
        endpoint_url: Another address than AWS's.
    """

    def __init__(self, *, region: str = "", endpoint_url: str = "", profile: str = "") -> None:
        self._region, self._endpoint_url, self._profile = region, endpoint_url, profile
        self._session: Any = None
        self._clients: dict[tuple[str, float], Any] = {}
        self._lock = threading.RLock()  # making sessions and clients is not thread-safe, using them is

    def credentials(self) -> None:
        """Make sure that there are credentials.

        Raises:
            AwsFailure: There are none, or the profile does not exist.
        """
        import boto3  # a third of a second
        from botocore.exceptions import BotoCoreError

        with self._lock:
            try:
                self._session = self._session or boto3.Session(
                    profile_name=self._profile or None, region_name=self._region or None
                )
                found = self._session.get_credentials()
            except BotoCoreError as error:
                raise AwsFailure("", _short(error)) from error
        if found is None:
            raise AwsFailure("", "no AWS credentials: set AWS_PROFILE, or run where a role is given")

    def client(self, service: str, deadline: float) -> Any:
        """Return a client whose waiting and retrying is bounded.

        Raises:
            AwsFailure: No region is known, or the address is none.
        """
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        self.credentials()
        left = max(0.0, deadline - time.monotonic()) / _ATTEMPTS
        wait = round(min(max(left, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS), 1)
        with self._lock:
            if (service, wait) not in self._clients:
                config = Config(
                    connect_timeout=wait,
                    read_timeout=wait,
                    retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
                )
                try:
                    self._clients[service, wait] = self._session.client(
                        service, endpoint_url=self._endpoint_url or None, config=config
                    )
                except (BotoCoreError, ValueError) as error:
                    raise AwsFailure("", _short(error)) from error
            return self._clients[service, wait]

    def call(self, client: Any, method: str, deadline: float, *, expects: str = "", **asked: Any) -> dict[str, Any]:
        """Call once, with the client's retries.

        Args:
            client, method: From `client`; as boto3 calls it.
            deadline: ``time.monotonic()`` after which nothing is asked.
            expects: A key that every answer has: without it, somebody else answered.
            asked: The method's own arguments.

        Raises:
            AwsFailure: It failed, or the deadline has passed.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        name = f"{client.meta.service_model.signing_name}:{client.meta.method_to_api_mapping[method]}"
        name = name.replace("elasticloadbalancing:", "elbv2:")
        if time.monotonic() >= deadline:
            raise AwsFailure(name, "not asked: the deadline had passed")
        try:
            answer: dict[str, Any] = getattr(client, method)(**asked)
        except ClientError as error:
            said = error.response.get("Error", {})
            raise AwsFailure(name, _cut(f"{said.get('Code', 'Error')}: {said.get('Message', '')}")) from error
        except (BotoCoreError, ResponseParserError, ValueError) as error:
            raise AwsFailure(name, _short(error)) from error
        if expects and expects not in answer:
            raise AwsFailure(name, f"an answer without {expects}: is this AWS?")
        return answer

    def pages(self, client: Any, method: str, key: str, deadline: float, **asked: Any) -> Iterator[Any]:
        """Yield the rows of all pages that ``nextToken`` leads to.

        Raises:
            AwsFailure: A page failed, or there is no end of pages.
        """
        for _ in range(_MAX_PAGES):
            answer = self.call(client, method, deadline, expects=key, **asked)
            yield from answer[key]
            if not answer.get("nextToken"):
                return
            asked["nextToken"] = answer["nextToken"]
        raise AwsFailure(method, f"more than {_MAX_PAGES} pages")

    def ask_all(
        self, questions: Sequence[tuple[str, Callable[[], Answer]]], deadline: float
    ) -> list[tuple[str, Answer | AwsFailure]]:
        """Ask at once; return what each brought by the deadline, with its words."""
        told: list[tuple[str, Answer | AwsFailure]] = []
        brought = at_once([question for _, question in questions], deadline, name="obskit-aws")
        for (words, _), answer in zip(questions, brought, strict=True):
            if answer is None:
                told.append((words, AwsFailure("", "no answer before the deadline")))
            elif isinstance(answer, BaseException) and not isinstance(answer, AwsFailure):
                raise answer
            else:
                told.append((words, answer))
        return told


def _short(error: Exception) -> str:
    return _cut(f"{type(error).__name__}: {error}")


def _cut(text: str) -> str:
    return " ".join(text.split())[:_MAX_REASON]
