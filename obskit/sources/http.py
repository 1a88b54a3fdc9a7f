"""One way to speak HTTP: authentication, TLS, retries with jitter, a deadline and a size limit."""

from __future__ import annotations

import contextlib
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError

from obskit.errors import SettingsError, SourceError, UsageError
from obskit.settings import Connection
from obskit.sources.http_words import reason_of, shown

if TYPE_CHECKING:
    from botocore.credentials import Credentials

#: An answer beyond this is refused: a query that returns more is a query to aggregate.
MAX_ANSWER_BYTES = 256 * 1024 * 1024
#: Statuses that a second try may cure. 501 and above 504 will not.
RETRIED_STATUSES = (429, 500, 502, 503, 504)
RETRIES = 2
FIRST_PAUSE_SECONDS = 0.2
CHUNK_BYTES = 256 * 1024

#: What a header can carry: printable ASCII. Anything else would end up quoted in an exception.
HEADER_TEXT = re.compile(r"[ -~]*")

Params = Mapping[str, str | Sequence[str]]
#: Methods that change what the other side holds.
Write = Literal["POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question or change: what is sent, and how much may come back; what *writes* is sent only once."""

    method: str
    url: str
    params: Params | None = None
    data: Params | bytes | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    max_bytes: int = MAX_ANSWER_BYTES
    writes: bool = False


class NoAnswerError(SourceError):
    """No whole answer came: what was sent may have been done, or not.

    Attributes:
        unsent: No connection came about: the other side has not seen the request.
        passing: A second try may cure it.
    """

    unsent = passing = False


class _TooLargeError(Exception):
    """The answer outgrew its limit."""


class BearerAuth(AuthBase):
    """Sends a bearer token; one that lives in a file is read at each request."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token to a request that is about to be sent."""
        request.headers["Authorization"] = f"Bearer {self._token()}"
        return request

    def _token(self) -> str:
        token, file = self._connection.bearer_token, self._connection.bearer_token_file
        if file is not None:
            try:
                token = file.read_text(encoding="ascii").strip()
            except OSError as error:
                raise SettingsError(
                    f"the bearer token file {file} cannot be read: {error.strerror}", hint="correct bearer_token_file"
                ) from error
            except UnicodeDecodeError:
                token = ""  # the exception would quote the file
        if not token or not HEADER_TEXT.fullmatch(token):
            origin = "of the environment" if file is None else f"in {file}"
            raise SettingsError(f"the bearer token {origin} is no token", hint="one line of printable ASCII") from None
        return token


class SigV4Auth(AuthBase):
    """Signs requests with the default AWS credential chain."""

    def __init__(self, connection: Connection) -> None:
        self._region, self._service = connection.sigv4_region, connection.sigv4_service
        self._known: Credentials | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the signature to a request that is about to be sent."""
        from botocore.auth import SigV4Auth as Signer
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        # A form's "+" for a space is not what AWS recomputes the signature from.
        address, mark, parameters = (request.url or "").partition("?")
        request.url = address + mark + parameters.replace("+", "%20")
        signed = AWSRequest(method=request.method, url=request.url, data=request.body)
        if "Content-Type" in request.headers:
            signed.headers["Content-Type"] = request.headers["Content-Type"]
        try:
            Signer(self._credentials().get_frozen_credentials(), self._service, self._region).add_auth(signed)
        except BotoCoreError as error:
            raise SettingsError(f"requests cannot be signed: {error}", hint="is AWS_PROFILE right?") from error
        request.headers.update(dict(signed.headers.items()))
        return request

    def _credentials(self) -> Credentials:
        """Look the credentials up once; botocore renews those that expire."""
        if self._known is None:
            import boto3  # only who signs needs it

            self._known = boto3.Session().get_credentials()
        if self._known is None:
            raise SettingsError(
                "requests shall be signed, but there are no AWS credentials",
                hint="set AWS_PROFILE, or run where a task or instance role is given",
            )
        return self._known


def _auth(connection: Connection) -> AuthBase | None:
    if connection.sigv4_region:
        return SigV4Auth(connection)
    if connection.bearer_token or connection.bearer_token_file:
        return BearerAuth(connection)
    if connection.username:
        return HTTPBasicAuth(connection.username.encode(), connection.password.encode())
    return None


def _check(connection: Connection) -> None:
    """Find what would fail later with less helpful words, or with a secret in them."""
    for file in (connection.ca_file, connection.cert_file, connection.key_file):
        if file is not None and not file.is_file():
            raise SettingsError(f"the certificate file {file} is not there", where={"for": shown(connection.url)})
    for name, value in (*connection.headers, ("X-Scope-OrgID", connection.tenant)):
        if not HEADER_TEXT.fullmatch(value) or value != value.strip():
            raise SettingsError(
                f"the header {name!r} cannot be sent", where={"for": shown(connection.url)}, hint="printable ASCII"
            )


def session_for(connection: Connection, *, pool: int = 16) -> requests.Session:
    """Return a session with the connection's authentication, TLS and headers.

    Args:
        connection: Where to, and as whom.
        pool: How many requests may be under way at once.

    Raises:
        SettingsError: A certificate file is not there, or a header cannot be sent.
    """
    _check(connection)
    session = requests.Session()
    session.trust_env = False  # a stray .netrc or proxy variable must not change whom we are
    session.auth = _auth(connection)
    session.headers.update(dict(connection.headers))
    session.headers["Accept-Encoding"] = "gzip" if connection.compress else "identity"
    if connection.tenant:
        session.headers["X-Scope-OrgID"] = connection.tenant
    session.verify = str(connection.ca_file) if connection.ca_file else True
    if connection.cert_file:
        cert = str(connection.cert_file)
        session.cert = (cert, str(connection.key_file)) if connection.key_file else cert
    adapter = HTTPAdapter(pool_connections=pool, pool_maxsize=pool, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


@contextlib.contextmanager
def _sourced(name: str, where: dict[str, str]) -> Iterator[None]:
    """Turn what requests and urllib3 raise into a `SourceError` that says who and what."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise SourceError(
            f"{name} could not be trusted",
            where={**where, "said": reason_of(error)},
            hint="set its ca_file; where it asks for a client certificate, its cert_file and key_file",
        ) from error
    except (requests.exceptions.Timeout, ReadTimeoutError, TimeoutError) as error:
        raise _late(name, where) from error
    except _TooLargeError as error:
        raise SourceError(
            f"{name} answered too much", where={**where, "said": str(error)}, hint="aggregate, or a shorter window"
        ) from error
    except (requests.exceptions.ConnectionError, ProtocolError) as error:
        failed = NoAnswerError(
            f"{name} could not be reached", where={**where, "said": reason_of(error)}, hint="run: obskit doctor"
        )
        failed.passing = True
        failed.unsent = isinstance(getattr(error.args[0] if error.args else None, "reason", None), NewConnectionError)
        raise failed from error
    except (requests.exceptions.RequestException, HTTPError, OSError) as error:
        raise SourceError(
            f"{name} could not be asked", where={**where, "said": reason_of(error)}, hint="run: obskit doctor"
        ) from error


def _late(name: str, where: dict[str, str]) -> NoAnswerError:
    return NoAnswerError(f"{name} did not answer in time", where=where, hint="is it up? a shorter window?")


def fetch(  # noqa: PLR0913 (each is a fact of one request; a value for them would only be unpacked here)
    session: requests.Session,
    url: str,
    *,
    name: str,
    deadline: float,
    timeout: float,
    params: Params | None = None,
    data: Params | None = None,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    max_bytes: int = MAX_ANSWER_BYTES,
) -> tuple[int, bytes]:
    """Send one request and return its status and whole body.

    Retries (at most twice, exponential with jitter) refused connections, 429 and 5xx, as long
    as the deadline allows; GET without *data*, form-encoded POST with it.

    Args:
        session: From `session_for`.
        url: The whole address without parameters.
        name: Who is asked, for errors.
        deadline: ``time.monotonic()`` beyond which nothing is waited for.
        timeout: The longest that one try may take, seconds.
        params, data: Query string, form body.
        query: What an error shall quote.
        headers: For this request only.
        max_bytes: An answer that is longer is refused.

    Raises:
        SourceError: Unreachable, too slow, or too large. A status of 4xx or 5xx is returned,
            not raised: only the caller knows how its server words errors.
        SettingsError: The token or the AWS credentials cannot be used.
    """
    method = "GET" if data is None else "POST"
    request = Request(method=method, url=url, params=params, data=data, headers=headers, max_bytes=max_bytes)
    return exchange(session, request, name=name, query=query, deadline=deadline, timeout=timeout)


def send(
    session: requests.Session,
    method: Write,
    url: str,
    *,
    name: str,
    deadline: float,
    timeout: float,
    body: object = None,
    max_bytes: int = MAX_ANSWER_BYTES,
) -> tuple[int, bytes]:
    """Send one change and return its status and whole body.

    A lost answer may stand for a change that was made, so nothing is sent twice, whatever the
    status; only a connection that never came about is tried again (at most twice).

    Args:
        session: From `session_for`.
        method: The HTTP method.
        url: The whole address.
        name: Who is asked, for errors.
        deadline, timeout: As of `fetch`.
        body: Sent as JSON; nothing when None.
        max_bytes: An answer that is longer is refused.

    Raises:
        NoAnswerError: Unreachable or too slow; unless it was unsent, the change may have been made.
        SourceError: As of `fetch`.
        SettingsError: The token or the AWS credentials cannot be used.
        UsageError: *body* is no JSON.
    """
    data, headers = None, None
    if body is not None:
        try:
            data, headers = json.dumps(body, allow_nan=False).encode(), {"Content-Type": "application/json"}
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(f"what {name} shall be sent is no JSON", where={"said": str(error)}) from error
    request = Request(method=method, url=url, data=data, headers=headers, max_bytes=max_bytes, writes=True)
    return exchange(session, request, name=name, query="", deadline=deadline, timeout=timeout)


def exchange(
    session: requests.Session, request: Request, *, name: str, query: str, deadline: float, timeout: float
) -> tuple[int, bytes]:
    """Send a request, again where that is safe and may help, and return status and body.

    Arguments and errors are those of `fetch`.
    """
    where = {"at": shown(request.url), "query": query}
    for attempt in range(RETRIES + 1):
        last = attempt == RETRIES
        try:
            until = min(deadline, time.monotonic() + timeout)
            with _sourced(name, where):
                status, body = _within(until, lambda until=until: _once(session, request, until))  # type: ignore[misc]
            if last or request.writes or status not in RETRIED_STATUSES:
                return status, body
        except NoAnswerError as error:
            if last or not error.passing or (request.writes and not error.unsent):
                raise
        pause = FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 (jitter, no secret)
        if time.monotonic() + pause >= deadline:
            break
        time.sleep(pause)
    raise _late(name, where)


def _within(until: float, work: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    """Do *work* in a thread and stop waiting for it at *until* (``time.monotonic()``).

    A socket's time-out bounds the silence between two bytes, and resolving a name has none at
    all: a server that drips, or a name server that is gone, would hold the caller for minutes.
    The thread is a daemon, so that a forgotten one never delays the end of the process.
    """
    answer: Future[tuple[int, bytes]] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # whatever it is, the caller raises it
            answer.set_exception(error)

    threading.Thread(target=run, name="obskit-fetch", daemon=True).start()
    return answer.result(timeout=max(until - time.monotonic(), 0.0))


def _once(session: requests.Session, request: Request, until: float) -> tuple[int, bytes]:
    """Send one try and read its body as it comes, so that neither size nor slowness runs away."""
    left = until - time.monotonic()
    if left <= 0:
        raise requests.exceptions.Timeout
    with session.request(
        request.method,
        request.url,
        params=request.params,
        data=request.data,
        headers=request.headers,
        timeout=(left, left),
        stream=True,
        allow_redirects=False,
    ) as response:
        chunks: list[bytes] = []
        size = 0
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > request.max_bytes:
                raise _TooLargeError(f"its answer is longer than {request.max_bytes} bytes")
            if time.monotonic() > until:
                raise requests.exceptions.Timeout
        return response.status_code, b"".join(chunks)


def server_words(said: bytes | str, most: int = 300) -> str:
    """Return a server's own words for an error: one line, printable, without secrets that it echoes.

    Args:
        said: The body, or a part of it.
        most: Characters; redaction comes before the cut, so that no half of a token remains.
    """
    from obskit.redact import redact

    text = said[:8192].decode("utf-8", "replace") if isinstance(said, bytes) else said[:8192]
    line = "".join(c if c.isprintable() else " " for c in redact(" ".join(text.split())))
    return line[:most]
