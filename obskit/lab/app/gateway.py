"""Calls to the payment service: with time-outs, one retry where nothing was said, and measured."""

from __future__ import annotations

import logging
import ssl
import time
from typing import Final

import httpx

from . import metrics
from .logs import fields, request_id
from .settings import Settings

_LOG: Final = logging.getLogger(__name__)
_ATTEMPTS: Final = 2
_CONNECT_SECONDS: Final = 1.0
#: Before a byte was sent.
_NOT_SENT: Final = (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class PaymentDeclined(Exception):  # noqa: N818 - an answer, no error
    """The payment service said no."""


class PaymentUnavailable(Exception):  # noqa: N818 - as HTTP calls it
    """The payment service was not reached or refused: nothing was charged, and it may be asked again later."""


class PaymentUnknown(PaymentUnavailable):
    """The payment service may have charged: it was sent the call, and gave no answer that can be used."""


class PaymentGateway:
    """The payment service as the shop sees it.

    Args:
        settings: Where it is, and how long each wait within a call may take.
        transport: Instead of the network.

    Attributes:
        url: Where calls go; "" where nothing is charged.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self.url = settings.payment_url
        self._name = settings.payment_name
        seconds = settings.payment_seconds
        self._client = httpx.Client(
            timeout=httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
            # As many as there are threads: nobody waits for another's connection.
            limits=httpx.Limits(max_connections=settings.threads, max_keepalive_connections=settings.threads),
            headers={"User-Agent": f"{settings.service}/{settings.version}"},
            transport=transport,
            verify=ssl.create_default_context(cafile=settings.payment_ca) if settings.payment_ca else True,
            trust_env=False,
        )
        if self.url:  # a series that exists from the start: a rate of what has just appeared is nothing
            metrics.CALLS.labels("POST", self.peer, "201", "")

    def charge(self, order: str, cents: int) -> str:
        """Charge an order once, however often this is called, and return the payment's reference.

        Raises:
            PaymentDeclined: It was refused for good.
            PaymentUnavailable: Nothing was sent, or it was refused for now.
            PaymentUnknown: Too late, broken off or failed within: charged or not, only asking again tells.
        """
        if not self.url:
            return "nothing-to-charge"
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = self._post(order, cents)
            except httpx.ConnectError as error:
                # Nothing was sent, so nothing can happen twice, and another task may be behind the name by now.
                if attempt == _ATTEMPTS:
                    raise PaymentUnavailable(f"{type(error).__name__}: {error}") from error
                _LOG.warning("payment service not reached, once more: %s", error, extra=fields(peer=self.peer))
            except httpx.HTTPError as error:
                kind = PaymentUnavailable if isinstance(error, _NOT_SENT) else PaymentUnknown
                raise kind(f"{type(error).__name__}: {error}") from error
            else:
                return self._read(answer)
        raise AssertionError("unreachable")

    @property
    def peer(self) -> str:
        """What metrics and log lines call the other side."""
        return self._name or httpx.URL(self.url).host

    def _post(self, order: str, cents: int) -> httpx.Response:
        headers = {"X-Request-ID": request_id.get(), "Idempotency-Key": order}
        status, failure = "", ""
        started = time.perf_counter()
        try:
            answer = self._client.post(
                f"{self.url}/payments", json={"order_id": order, "amount_cents": cents}, headers=headers
            )
            status = str(answer.status_code)
            failure = status if answer.is_error else ""
        except httpx.HTTPError as error:
            failure = type(error).__name__
            raise
        finally:
            metrics.CALLS.labels("POST", self.peer, status, failure).observe(time.perf_counter() - started)
        return answer

    def _read(self, answer: httpx.Response) -> str:
        if answer.status_code == httpx.codes.PAYMENT_REQUIRED:
            raise PaymentDeclined
        said = f"payment service answered {answer.status_code} {answer.reason_phrase}"
        # A conflict is with another call of the same order, which may charge it.
        if answer.is_client_error and answer.status_code != httpx.codes.CONFLICT:
            raise PaymentUnavailable(said)
        try:
            answer.raise_for_status()
            return str(answer.json()["reference"])
        except (httpx.HTTPStatusError, ValueError, KeyError, TypeError) as error:
            raise PaymentUnknown(said) from error

    def close(self) -> None:
        """Close its connections."""
        self._client.close()
