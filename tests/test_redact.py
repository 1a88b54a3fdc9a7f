"""What redaction takes out, and what it must leave for a diagnosis."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from obskit.model import Event, Gap, Telemetry
from obskit.redact import CREDENTIAL, redact, redact_column, redacted

SECRET = "hunter2Xq"
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
GITHUB = "ghp_" + "a1B2" * 9
SLACK = "xoxb-" + "123456789012-abcdefABCDEF"
STRIPE = "sk_live_" + "a1b2c3d4e5f6g7h8"

#: Ways in which programs print a secret; ``%s`` is where it stands.
CONTEXTS = (
    "password=%s",
    "DB_PASSWORD=%s host=db",
    "connecting with user=app password=%s dbname=shop",
    "Server=db;User Id=app;Password=%s;Timeout=5",
    "password: %s",
    "bad password: %s",
    "spring.datasource.password: %s",
    "{user: app, password: %s}",
    '{"password":"%s"}',
    '{"db": {"password": "%s", "host": "db"}}',
    r"{\"password\":\"%s\",\"host\":\"db\"}",
    "{'secret': '%s'}",
    "client_secret=%s&grant_type=x",
    "GET /login?api_key=%s&page=2",
    "x-api-key: %s",
    "AccountKey=%s",
    "refresh_token => %s",
    "Authorization: Bearer %s",
    'headers={"authorization":"Basic %s"}',
    "sent Bearer %s to upstream",
    "Cookie: sid=%s; theme=dark",
    "set-cookie: session=%s; Path=/",
    "postgres://app:%s@db.prod:5432/shop",
    "redis://:%s@cache:6379/0",
    "amqp://app:%s@mq/vhost",
    "app:%s@tcp(db:3306)/shop",
    "mysql --password %s -h db",
    "ALTER USER app PASSWORD '%s'",
    "CREATE USER app IDENTIFIED BY '%s'",
    "aws_secret_access_key = %s",
    "https://bucket.example/x?X-Amz-Signature=%s",
)

STAYS = (
    'FATAL: password authentication failed for user "app"',
    "Access denied for user 'app'@'10.0.3.4' (using password: YES)",
    "FATAL: remaining connection slots are reserved, host=db.prod.internal:5432",
    "could not connect to server db.prod.internal:5432: Connection refused",
    "cannot verify token: expired",
    "unable to retrieve secret: AccessDeniedException",
    "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed",
    "failed to get token: http://169.254.170.2:80/v2 refused",
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7",
    "task 0123456789abcdef0123456789abcdef stopped with exit code 137",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
    "max_tokens=100 token_count=3 passwords_checked=2",
    "GET http://api:8080/users/me@home",
    "rabbit@ip-10-0-1-5.ec2.internal is down",
    "ssh://git@github.com/org/repo",
    "Basic authentication failed; Bearer authentication required",
    "HikariPool-1 - Connection is not available, request timed out after 30000ms",
    "if token == nil { return }",
    "cookie: invalid",
)


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize(
    "secret", [SECRET, "p%40ss%2Fw0rd", "Tr0ub4dor#3", AWS_KEY, JWT, GITHUB, "dXNlcjpwYXNzd29yZA=="]
)
def test_a_secret_vanishes_from_every_context_that_programs_print_it_in(context: str, secret: str) -> None:
    """Not one four-letter piece of a planted secret is left."""
    clean = redact(context % secret)

    assert not any(secret[i : i + 4] in clean for i in range(len(secret) - 3)), clean
    assert "[" in clean


@pytest.mark.parametrize("text", STAYS)
def test_what_a_diagnosis_needs_stays(text: str) -> None:
    """Error texts, hosts, ports and ids come through unchanged."""
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("password=abc", "password=[password]"),
        ("(user=app, password=abc)", "(user=app, password=[password])"),
        ('password="a b, c" x=1', 'password="[password]" x=1'),
        (r'{"password":"a\"b","n":1}', '{"password":"[password]","n":1}'),
        (r"{\"password\":\"abc\",\"n\":1}", r"{\"password\":\"[password]\",\"n\":1}"),
        (f"key {AWS_KEY} used", "key [aws-key] used"),
        (f"jwt {JWT}.", "jwt [jwt]"),
        (f"{GITHUB} {SLACK} {STRIPE}", "[token] [token] [token]"),
        ("mail bob@example.com,al.b+c@mail.example", "mail [email],[email]"),
        ("GET /users/bob@example.com 404", "GET /users/[email] 404"),
        ("postgres://app:p@s:s@db:5432/x", "postgres://app:[password]@db:5432/x"),
        ("postgres://app:p/w@db:5432/x", "postgres://app:[password]@db:5432/x"),
        ("mongodb://a:b@h1:27017,h2:27017/x", "mongodb://a:[password]@h1:27017,h2:27017/x"),
        ("https://0123456789abcdef0123456789abcdef@o1.ingest.example/2", "https://[token]@o1.ingest.example/2"),
        ("Cookie: a=b; c=d GET /x status=500", "Cookie: [cookie] GET /x status=500"),
        (
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCd12",
            "arn:aws:secretsmanager:eu-west-1:[account]:secret:prod/db-AbCd12",
        ),
        (
            "pull 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:7",
            "pull [account].dkr.ecr.eu-west-1.amazonaws.com/app:7",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- after", "[private-key] after"),
        ("-----BEGIN PRIVATE KEY-----\\nMIIEvQ", "[private-key]"),
        ("hooks.slack.com/services/T0/B0/abc", "hooks.slack.com/services/[token]"),
    ],
)
def test_what_is_taken_out_says_its_kind_and_leaves_the_rest(text: str, clean: str) -> None:
    """The replacement names the kind; quotes, delimiters, users and hosts around it stay."""
    assert redact(text) == clean


FRAGMENTS = st.sampled_from(
    [
        *(c.split("%s")[0] for c in CONTEXTS),
        *(c.split("%s")[1] for c in CONTEXTS),
        *STAYS, SECRET, AWS_KEY, JWT, GITHUB, STRIPE,
        "[password]", "[", "]", '"', "'", "\\", "\\\"", "{", "}", ")", "@", "a@b.io",
        ":", "=", ",", ";", " ", "\n", "\x0b", "\t", "/", "//",
        "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
        "arn:aws:s3:eu:123456789012:", "\u017f", "\u212a", "é", "\x00", "--token ", "Bearer ", "cookie=",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(FRAGMENTS, max_size=9).map("".join), st.text(st.characters(exclude_categories=["Cs"])))


@example(AWS_KEY + GITHUB)  # taking the one out uncovers the other
@given(TEXTS)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """Bundles of bundles stay the same."""
    once = redact(text)

    assert redact(once) == once


@settings(deadline=None)  # the first example loads Arrow
@given(st.lists(st.one_of(st.none(), TEXTS), max_size=6))
def test_a_column_is_redacted_as_its_texts_are(texts: list[str | None]) -> None:
    """Python's expressions and RE2 read the one table alike, whatever the characters."""
    expected = [None if t is None else redact(t) for t in texts]

    assert redact_column(pa.array(texts, pa.string())).to_pylist() == expected
    assert redact_column(pa.array(texts, pa.string()).dictionary_encode()).to_pylist() == expected


@given(TEXTS, st.sampled_from(["password=", '"token":"', "x-api-key: ", "postgres://u:"]))
def test_a_secret_vanishes_whatever_stands_before_it(before: str, context: str) -> None:
    """What surrounds a secret does not hide it from the rules."""
    secret = "zK9qW4tR"  # one that no fragment holds

    assert secret not in redact(f'{before}\n{context}{secret}@db"')


def test_a_very_long_line_is_redacted_like_a_short_one() -> None:
    """The linear engine takes over and finds the same; half characters do not stop it."""
    filler = "-----BEGIN PRIVATE KEY-----!" * 4000

    clean = redact(f"\ud800 {filler} password={SECRET} end")

    assert SECRET not in clean
    assert clean.endswith("password=[password] end")


def test_chunks_and_emptiness_are_columns_too() -> None:
    """A chunked column comes back whole; one without chunks is empty."""
    assert redact_column(pa.chunked_array([["token=x"], ["b"]])).to_pylist() == ["token=[token]", "b"]
    assert len(redact_column(pa.chunked_array([], pa.string()))) == 0


def test_every_text_of_an_event_and_a_gap_is_redacted() -> None:
    """A code is a machine's word, but an alert's name is a label that others write."""
    secret = f"password={SECRET}"
    event = Event(
        time=datetime(2026, 1, 31, tzinfo=UTC), kind="alert", code=secret, message=secret, details=(("why", secret),)
    )
    clean = redacted(Telemetry(events=(event,), gaps=(Gap(source="x", query="y", reason=secret),)))

    assert SECRET not in repr((clean.events, clean.gaps))
    assert clean.events[0].code == "password=[password]"


@pytest.mark.parametrize("code", ["EssentialContainerExited", "TaskFailedToStart", "SERVICE_STEADY_STATE", "unhealthy"])
def test_codes_of_aws_stay(code: str) -> None:
    """Causes are judged by them."""
    assert redact(code) == code


@pytest.mark.parametrize("secret", [AWS_KEY, JWT, GITHUB, SLACK, STRIPE, *(one % SECRET for one in CONTEXTS)])
def test_a_credential_leaves_a_mark_that_is_known_as_one(secret: str) -> None:
    """Who looks for credentials in a configuration asks whether redaction has put such a mark."""
    assert CREDENTIAL.search(redact(secret))


@pytest.mark.parametrize("text", ["ann@example.com", "arn:aws:iam::123456789012:role/shop"])
def test_addresses_and_accounts_are_no_credentials(text: str) -> None:
    """They are taken out all the same."""
    assert redact(text) != text
    assert not CREDENTIAL.search(redact(text))
