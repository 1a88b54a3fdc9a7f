"""One way to speak HTTP: authentication, TLS, retries with jitter, a deadline and a size limit."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Mapping, Sequence

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import HTTPError

from obskit.errors import SettingsError, SourceError
from obskit.settings import Connection

#: An answer beyond this is refused: a query that returns more is a query to aggregate.
MAX_ANSWER_BYTES = 256 * 1024 * 1024
#: Statuses that a second try may cure. 501 and above 504 will not.
RETRIED_STATUSES = (429, 500, 502, 503, 504)
RETRIES = 2
FIRST_PAUSE_SECONDS = 0.2
CHUNK_BYTES = 256 * 1024

Params = Mapping[str, str | Sequence[str]]


class _Transient(SourceError):
    """A connection failed in a way that a second try may cure."""


class _TooLarge(Exception):
    """The answer outgrew its limit."""


class BearerAuth(AuthBase):
    """Sends a bearer token; one that lives in a file is read at each request."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token, file = self._connection.bearer_token, self._connection.bearer_token_file
        if file is not None:
            try:
                token = file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"the bearer token file {file} cannot be read: {error.strerror}", hint="correct bearer_token_file"
                ) from error
        request.headers["Authorization"] = f"Bearer {token}"
        return request


class SigV4Auth(AuthBase):
    """Signs requests with the default AWS credential chain."""

    def __init__(self, connection: Connection) -> None:
        self._region, self._service = connection.sigv4_region, connection.sigv4_service

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        import boto3  # only who signs needs it
        from botocore.auth import SigV4Auth as Signer
        from botocore.awsrequest import AWSRequest

        credentials = boto3.Session().get_credentials()
        if credentials is None:
            raise SettingsError(
                "requests shall be signed, but there are no AWS credentials",
                hint="set AWS_PROFILE, or run where a task or instance role is given",
            )
        signed = AWSRequest(method=request.method, url=request.url, data=request.body)
        if "Content-Type" in request.headers:
            signed.headers["Content-Type"] = request.headers["Content-Type"]
        Signer(credentials.get_frozen_credentials(), self._service, self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


def _auth(connection: Connection) -> AuthBase | None:
    if connection.sigv4_region:
        return SigV4Auth(connection)
    if connection.bearer_token or connection.bearer_token_file:
        return BearerAuth(connection)
    if connection.username:
        return HTTPBasicAuth(connection.username, connection.password)
    return None


def session_for(connection: Connection, *, pool: int = 16) -> requests.Session:
    """Return a session with the connection's authentication, TLS and headers.

    Args:
        connection: Where to, and as whom.
        pool: How many requests may be under way at once.
    """
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
def _sourced(name: str, url: str, query: str) -> Iterator[None]:
    """Turn what requests and urllib3 raise into a `SourceError` that says who and what."""
    where = {"at": url, "query": query}
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise SourceError(
            f"{name} could not be trusted", where={**where, "said": _short(error)}, hint="set its ca_file"
        ) from error
    except (requests.exceptions.Timeout, TimeoutError) as error:
        raise SourceError(f"{name} did not answer in time", where=where, hint="is it up? a shorter window?") from error
    except _TooLarge as error:
        raise SourceError(
            f"{name} answered too much", where={**where, "said": str(error)}, hint="aggregate, or a shorter window"
        ) from error
    except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        raise _Transient(
            f"{name} could not be reached", where={**where, "said": _short(error)}, hint="run: obskit doctor"
        ) from error
    except (requests.exceptions.RequestException, HTTPError, OSError) as error:
        raise SourceError(
            f"{name} could not be asked", where={**where, "said": _short(error)}, hint="run: obskit doctor"
        ) from error


def _short(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or (error.args[0] if error.args else error)
    text = str(getattr(reason, "reason", reason) or error)
    return text[-300:]


def fetch(
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
        max_bytes: An answer that is longer is refused.

    Raises:
        SourceError: Unreachable, too slow, or too large. A status of 4xx or 5xx is returned,
            not raised: only the caller knows how its server words errors.
    """
    where = {"at": url, "query": query}
    for attempt in range(RETRIES + 1):
        last = attempt == RETRIES
        try:
            until = min(deadline, time.monotonic() + timeout)
            with _sourced(name, url, query):
                status, body = _once(session, url, until, max_bytes, params=params, data=data, headers=headers)
            if status not in RETRIED_STATUSES or last:
                return status, body
        except _Transient:
            if last:
                raise
        pause = FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 (jitter, no secret)
        if time.monotonic() + pause >= deadline:
            break
        time.sleep(pause)
    raise SourceError(f"{name} did not answer in time", where=where, hint="is it up? a shorter window?")


def _once(
    session: requests.Session,
    url: str,
    until: float,
    max_bytes: int,
    *,
    params: Params | None,
    data: Params | None,
    headers: Mapping[str, str] | None,
) -> tuple[int, bytes]:
    """Send one try and read its body in chunks, so that neither size nor slowness runs away."""
    left = until - time.monotonic()
    if left <= 0:
        raise requests.exceptions.Timeout
    method = "GET" if data is None else "POST"
    with session.request(
        method, url, params=params, data=data, headers=headers, timeout=(left, left), stream=True, allow_redirects=False
    ) as response:
        chunks, size = [], 0
        for chunk in response.iter_content(CHUNK_BYTES):
            chunks.append(chunk)
            size += len(chunk)
            if size > max_bytes:
                raise _TooLarge(f"its answer is longer than {max_bytes // 2**20} MiB")
            if time.monotonic() > until:
                raise requests.exceptions.Timeout
        return response.status_code, b"".join(chunks)
