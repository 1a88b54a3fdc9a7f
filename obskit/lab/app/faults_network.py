"""Faults between the shop and the payment service, on either side."""

from __future__ import annotations

import json
from typing import Final

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from .fault import Answers, End, Fault, Scene, Wish
from .gateway import PaymentGateway

_SPARED: Final = ("/faults", "/health", "/live", "/metrics")


def faults(scene: Scene) -> tuple[Fault, ...]:
    """Return them."""
    answers = (
        Fault(
            name="slow_answers",
            unit="seconds later",
            usual=5,
            most=600,
            begin=lambda wish: _spoil(scene.answers, "seconds", wish),
        ),
        Fault(
            name="failing_answers",
            unit="share answered 500",
            usual=1,
            most=1,
            begin=lambda wish: _spoil(scene.answers, "failing", wish),
        ),
        Fault(
            name="throttled_answers",
            unit="share answered 429",
            usual=1,
            most=1,
            begin=lambda wish: _spoil(scene.answers, "throttled", wish),
        ),
    )
    if scene.shop is None:
        return answers
    gateway = scene.shop.gateway
    bad = Fault(
        name="bad_dependency",
        unit="1: the payment service is called at the target",
        usual=1,
        most=1,
        begin=lambda wish: _elsewhere(gateway, wish),
        target="http://HOST:PORT",
    )
    return (*answers, bad)


def _spoil(answers: Answers, what: str, wish: Wish) -> End:
    setattr(answers, what, wish.strength)
    return lambda: setattr(answers, what, 0.0)


def _elsewhere(gateway: PaymentGateway, wish: Wish) -> End:
    right = gateway.url
    gateway.url = wish.target.rstrip("/")
    return lambda: setattr(gateway, "url", right)


class Spoiler:
    """ASGI middleware that answers late, or wrongly.

    Args:
        app: What it surrounds.
        answers: How answers are spoiled now.
    """

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        self._app = app
        self._answers = answers
        self._due = {429: 0.0, 500: 0.0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(_SPARED):
            await self._app(scope, receive, send)
            return
        if self._answers.seconds:
            await anyio.sleep(self._answers.seconds)
        for status, share in ((429, self._answers.throttled), (500, self._answers.failing)):
            # Every so-manieth one instead of by chance: the same run gives the same answers.
            self._due[status] += share
            if self._due[status] >= 1:
                self._due[status] -= 1
                await _answer(send, status)
                return
        await self._app(scope, receive, send)


async def _answer(send: Send, status: int) -> None:
    body = json.dumps({"error": "too many requests" if status == 429 else "internal error"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
