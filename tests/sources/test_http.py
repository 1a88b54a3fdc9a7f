"""How one request ends, whatever the other side does."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import hmac
import ipaddress
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from obskit.errors import SettingsError, SourceError
from obskit.settings import Connection
from obskit.sources.http import fetch, session_for
from tests.standins import faulty
from tests.standins.faulty import FaultyServer, Mode, Seen

QUERY = 'sum(rate(http_requests_total{code=~"5.."}[5m])) > 1 + 0.5'
#: How long a request may take; far below `faulty.PATIENCE_SECONDS`, when a slow server is done.
PATIENCE_SECONDS = 0.5
SECRET = "s3cr3t-t0ken"


def ask(connection: Connection, *, seconds: float = 10.0, data: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Send one request over a fresh session and close it."""
    with session_for(connection) as session:
        return fetch(
            session,
            f"{connection.url}/api/v1/query",
            name="Prometheus",
            deadline=time.monotonic() + seconds,
            timeout=seconds,
            params=None if data is not None else {"query": QUERY},
            data=data,
            query=QUERY,
            max_bytes=1_000_000,
        )


def served(*modes: Mode, seconds: float = 10.0, **settings: object) -> tuple[int, bytes, list[Seen]]:
    """Ask a server that behaves as told; return status, body, and what the server saw."""
    with FaultyServer(*modes) as server:
        connection = Connection(url=server.url, **settings)  # type: ignore[arg-type]
        code, body = ask(connection, seconds=seconds)
        return code, body, server.seen


def test_an_answer_comes_back_as_it_was_sent() -> None:
    """Status and body are returned untouched."""
    assert served(faulty.ok(b'{"a":1}'))[:2] == (200, b'{"a":1}')


@pytest.mark.parametrize("mode", [faulty.hang, faulty.slow, faulty.slow_headers], ids=lambda mode: mode.__name__)
def test_a_slow_server_is_given_up_at_the_deadline(mode: Mode) -> None:
    """Neither silence nor a drip, in the body or the headers, holds the caller until its end."""
    with FaultyServer(mode) as server, pytest.raises(SourceError, match="Prometheus did not answer in time") as caught:
        ask(Connection(url=server.url), seconds=PATIENCE_SECONDS)

    assert QUERY in str(caught.value)


@pytest.mark.parametrize("mode", [faulty.truncated, faulty.reset, faulty.garbage], ids=lambda mode: mode.__name__)
def test_a_broken_answer_is_an_error_after_a_few_tries(mode: Mode) -> None:
    """Half an answer is no answer: it is asked for again, then reported with who, where and what."""
    with FaultyServer(mode) as server, pytest.raises(SourceError, match="Prometheus could not be reached") as caught:
        ask(Connection(url=server.url))

    assert len(server.seen) == 3
    assert QUERY in str(caught.value)
    assert server.url in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_refused_connection_says_so() -> None:
    """A closed port is named with its address and the operating system's reason."""
    with faulty.refuse() as url, pytest.raises(SourceError, match="could not be reached") as caught:
        ask(Connection(url=url))

    assert url in str(caught.value)
    assert caught.value.where["said"] == "connection refused"
    assert caught.value.where["query"] == QUERY


def test_an_endless_answer_is_cut_off() -> None:
    """What outgrows the limit is refused, and not asked for again."""
    with FaultyServer(faulty.too_large) as server, pytest.raises(SourceError, match="answered too much") as caught:
        ask(Connection(url=server.url))

    assert len(server.seen) == 1
    assert caught.value.where["said"] == "its answer is longer than 1000000 bytes"


def test_a_page_instead_of_an_answer_is_left_to_the_caller() -> None:
    """HTML with status 200 is returned: only the caller knows what it wanted."""
    assert b"Sign in" in served(faulty.html)[1]


def test_a_busy_server_is_asked_again() -> None:
    """503 and then 200 is a success."""
    code, body, seen = served(faulty.status(503), faulty.ok(b"now"))

    assert (code, body, len(seen)) == (200, b"now", 2)


@pytest.mark.parametrize("code", [400, 401, 404, 422, 501])
def test_a_refusal_is_returned_at_once(code: int) -> None:
    """What a second try cannot cure is not tried again, and its words reach the caller."""
    answered, body, seen = served(faulty.status(code, b"no such thing"))

    assert (answered, body, len(seen)) == (code, b"no such thing", 1)


def test_a_server_that_stays_broken_is_returned_after_three_tries() -> None:
    """The last 5xx is the caller's to word."""
    code, body, seen = served(faulty.status(500, b"boom"))

    assert (code, body, len(seen)) == (500, b"boom", 3)


def test_no_redirect_is_followed() -> None:
    """A redirect would carry the credentials to a place that nobody configured."""
    with FaultyServer(faulty.ok(b"stolen")) as other:
        code, _, _ = served(lambda handler: handler.answer(302, b"", Location=other.url), bearer_token=SECRET)

    assert (code, other.seen) == (302, [])


def test_parameters_go_as_they_are() -> None:
    """A query string and a form arrive decoded as they were given."""
    _, _, seen = served(faulty.ok())
    with FaultyServer() as server:
        ask(Connection(url=server.url), data={"query": QUERY})

    assert dict(parse_qsl(urlsplit(seen[0].path).query)) == {"query": QUERY}
    assert server.seen[0].method == "POST"
    assert dict(parse_qsl(server.seen[0].body.decode())) == {"query": QUERY}


def test_tenant_and_further_headers_are_sent() -> None:
    """Mimir and Loki tell tenants by X-Scope-OrgID."""
    _, _, seen = served(faulty.ok(), tenant="team-a", headers=(("X-Extra", "1"),))

    assert seen[0].headers["x-scope-orgid"] == "team-a"
    assert seen[0].headers["x-extra"] == "1"


def test_a_token_file_is_read_at_each_request(tmp_path: Path) -> None:
    """A rotated token is used without a restart."""
    file = tmp_path / "token"
    with FaultyServer() as server, session_for(Connection(url=server.url, bearer_token_file=file)) as session:
        for token in ("first", "second"):
            file.write_text(f"{token}\n", encoding="utf-8")
            fetch(session, server.url, name="Loki", deadline=time.monotonic() + 10, timeout=10)

    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("content", [b"", b"two\nlines " + SECRET.encode(), b"\xff" + SECRET.encode(), None])
def test_a_token_file_that_holds_no_token_is_named(tmp_path: Path, content: bytes | None) -> None:
    """The file is named; what stands in it is not shown."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with FaultyServer() as server, pytest.raises(SettingsError, match="bearer token") as caught:
        ask(Connection(url=server.url, bearer_token_file=file))

    assert str(file) in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None or SECRET not in repr(caught.value.__cause__)


def test_a_name_and_password_are_sent_as_basic_auth() -> None:
    """Characters beyond ASCII go as UTF-8."""
    _, _, seen = served(faulty.ok(), username="me", password="pä:ss")

    assert seen[0].headers["authorization"] == "Basic bWU6cMOkOnNz"


@pytest.mark.parametrize(
    "settings",
    [
        {"bearer_token": SECRET},
        {"username": "me", "password": SECRET},
        {"headers": (("Authorization", SECRET),)},
        {"headers": (("Authorization", f"{SECRET}\nX-Evil: 1"),)},
        {"bearer_token": f"{SECRET}\n"},
        {"bearer_token": f"{SECRET}\u2028"},
    ],
    ids=["token", "password", "header", "split header", "token with newline", "token not ASCII"],
)
def test_secrets_never_reach_a_text(settings: dict[str, str]) -> None:
    """Neither an error and its causes, nor a session, nor a connection shows them."""
    with faulty.refuse() as url:
        connection = Connection(url=url.replace("//", f"//user:{SECRET}@"), **settings)  # type: ignore[arg-type]
        with pytest.raises((SourceError, SettingsError)) as caught:
            ask(connection)

    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error}{error!r}"
        error = error.__cause__


def test_secrets_are_not_in_the_repr_of_what_holds_them() -> None:
    """A debugger's or a log's repr is a text, too."""
    connection = Connection(
        url="http://127.0.0.1:9", bearer_token=SECRET, password=SECRET, headers=(("Authorization", SECRET),)
    )
    with session_for(connection) as session:
        shown = f"{connection!r}{connection}{session!r}{session.auth!r}"

    assert SECRET not in shown


@pytest.mark.parametrize("field", ["ca_file", "cert_file", "key_file"])
def test_a_certificate_file_that_is_not_there_is_named(tmp_path: Path, field: str) -> None:
    """A mistyped path is a wrong setting, not an untrusted server."""
    with pytest.raises(SettingsError, match="is not there"):
        session_for(Connection(url="https://127.0.0.1:9", **{field: tmp_path / "none.pem"}))  # type: ignore[arg-type]


# --- AWS signatures ---


def _signature(seen: Seen, secret: str) -> str:
    """Compute what AWS would from the request that arrived, as its documentation describes."""
    scheme, _, rest = seen.headers["authorization"].partition(" ")
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    scope = fields["Credential"].split("/", 1)[1]
    url = urlsplit(seen.path)
    # AWS decodes %20 but takes a plus for a plus, unlike what a form does.
    pairs = [part.split("=", 1) for part in url.query.split("&") if part]
    canonical = [
        seen.method,
        quote(url.path),
        "&".join(sorted(f"{key}={value}".replace("+", "%2B") for key, value in pairs)),
        *(f"{name}:{seen.headers[name].strip()}" for name in fields["SignedHeaders"].split(";")),
        "",
        fields["SignedHeaders"],
        hashlib.sha256(seen.body).hexdigest(),
    ]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join([scheme, seen.headers["x-amz-date"], scope, digest])
    assert scheme == "AWS4-HMAC-SHA256"
    assert hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == fields["Signature"]
    return scope


@pytest.mark.parametrize("data", [None, {"query": QUERY, "note": "a b+c"}], ids=["GET", "POST"])
def test_a_signature_covers_headers_parameters_and_body(
    monkeypatch: pytest.MonkeyPatch, data: dict[str, str] | None
) -> None:
    """Amazon Managed Prometheus would compute the same signature from what arrives."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with FaultyServer() as server:
        ask(Connection(url=server.url, sigv4_region="eu-west-1"), data=data)

    scope = _signature(server.seen[0], SECRET)

    assert scope.split("/")[1:] == ["eu-west-1", "aps", "aws4_request"]


def test_without_aws_credentials_a_signed_source_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is sent unsigned."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with FaultyServer() as server, pytest.raises(SettingsError, match="no AWS credentials"):
        ask(Connection(url=server.url, sigv4_region="eu-west-1"))

    assert server.seen == []


# --- TLS ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files of one small certificate authority."""

    ca: Path
    server: Path
    client: Path
    client_key: Path


def _issue(name: str, issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None) -> tuple[bytes, bytes, x509.Name]:
    """Return certificate and key as PEM, and the subject; signed by itself without an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer or (subject, key)
    now = dt.datetime.now(dt.UTC)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = (
        x509.CertificateBuilder(signer[0], subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(loopback, critical=False)
    )
    certificate = builder.sign(signer[1], hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem), private, subject


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A certificate authority with one server and one client."""
    folder = tmp_path_factory.mktemp("tls")
    ca, ca_key, ca_name = _issue("obskit test CA", None)
    signer = serialization.load_pem_private_key(ca_key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    server, server_key, _ = _issue("server", (ca_name, signer))
    client, client_key, _ = _issue("client", (ca_name, signer))
    files = {"ca": ca, "server": server + server_key, "client": client, "client_key": client_key}
    for name, content in files.items():
        (folder / f"{name}.pem").write_bytes(content)
    return Certificates(**{name: folder / f"{name}.pem" for name in files})


def _server_context(certificates: Certificates, *, demand_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    if demand_client:
        context.load_verify_locations(certificates.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_server_of_a_private_authority_is_trusted_by_its_file(certificates: Certificates) -> None:
    """ca_file says whom to trust."""
    with FaultyServer(faulty.ok(b"safe"), tls=_server_context(certificates)) as server:
        assert ask(Connection(url=server.url, ca_file=certificates.ca)) == (200, b"safe")


def test_a_server_that_nobody_vouches_for_is_not_talked_to(certificates: Certificates) -> None:
    """TLS is verified: no request leaves, no second try, and the error names the setting."""
    with (
        FaultyServer(tls=_server_context(certificates)) as server,
        pytest.raises(SourceError, match="Prometheus could not be trusted") as caught,
    ):
        ask(Connection(url=server.url, bearer_token=SECRET))

    assert server.seen == []
    assert "ca_file" in caught.value.hint
    assert "certificate verify failed" in caught.value.where["said"]


def test_a_demanded_client_certificate_is_shown(certificates: Certificates) -> None:
    """cert_file and key_file say who we are."""
    connection = {"ca_file": certificates.ca, "cert_file": certificates.client, "key_file": certificates.client_key}
    with FaultyServer(faulty.ok(b"you"), tls=_server_context(certificates, demand_client=True)) as server:
        assert ask(Connection(url=server.url, **connection)) == (200, b"you")  # type: ignore[arg-type]


def test_without_the_demanded_client_certificate_nothing_is_answered(certificates: Certificates) -> None:
    """Whether the alert or the closed connection comes first, it is a source's error."""
    with (
        FaultyServer(tls=_server_context(certificates, demand_client=True)) as server,
        pytest.raises(SourceError, match="could not be"),
    ):
        ask(Connection(url=server.url, ca_file=certificates.ca))

    assert server.seen == []


def test_a_compressed_answer_is_unpacked_and_its_limit_holds() -> None:
    """The limit counts what is unpacked: a small body may not grow without an end."""
    small, bomb = gzip.compress(b"x" * 1000), gzip.compress(b"x" * 50_000_000)

    assert served(faulty.ok(small, Content_Encoding="gzip"), compress=True)[1] == b"x" * 1000
    with pytest.raises(SourceError, match="answered too much"):
        served(faulty.ok(bomb, Content_Encoding="gzip"), compress=True)
