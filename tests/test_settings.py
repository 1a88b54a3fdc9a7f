"""The settings file and the environment: what is read, what is refused, what is shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import SettingsError
from obskit.settings import (
    VARIABLES,
    AlertmanagerSettings,
    AwsSettings,
    Connection,
    Receiver,
    ServiceSettings,
    Settings,
    load_settings,
    masked,
)
from obskit.settings_values import nearest

SECRET = "hunter2Xq"

FULL = """
deadline_seconds = 30
max_log_lines = 1000

[prometheus]
url = "https://prometheus.example/base/"
username = "reader"
ca_file = "ca.pem"
timeout_seconds = 2.5
compress = true
headers = { X-Team = "shop" }

[loki]
url = "http://loki:3100"
tenant = "prod"

[aws]
region = "eu-west-1"
cluster = "prod"

[services.demo-app]
depends_on = ["auth", "payment"]
target_group = "demo-tg"
"""


WHO = """
[alertmanager]
url = "http://obskit.internal:9095/alerts/"
page = "oncall"
ticket = "team"
watchdog = "dead-man"

[alertmanager.receivers.oncall]
kind = "pagerduty"
file = "/run/secrets/pagerduty-key"

[alertmanager.receivers.team]
kind = "slack"
file = "/run/secrets/slack-url"
channel = "#team"

[alertmanager.receivers.dead-man]
url = "https://hooks.example.com/dead-man"
file = "/run/secrets/dead-man-token"

[alertmanager.services]
shop = "team"
pay = "oncall"
"""


def settings_of(text: str, folder: Path, env: dict[str, str] | None = None) -> Settings:
    """Return what a settings file and an environment make."""
    (folder / "obskit.toml").write_text(text, encoding="utf-8")
    return load_settings(env or {}, folder)


def refused(env: dict[str, str], folder: Path) -> SettingsError:
    """Assert that the settings are refused with a clear text, without a secret in it."""
    with pytest.raises(SettingsError) as caught:
        load_settings(env, folder)
    assert SECRET not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    return caught.value


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    """No file and no variable is no error; other programs' variables are none of our business."""
    assert load_settings({"PATH": "/bin", "AWS_REGION": "x", "OBSKIT_LOKI_URL": " "}, tmp_path) == Settings()


def test_a_file_sets_everything_but_secrets(tmp_path: Path) -> None:
    """Paths start from the file's folder; a base address loses its last slash."""
    (tmp_path / "ca.pem").touch()

    settings = settings_of(FULL, tmp_path)

    assert settings.prometheus == Connection(
        url="https://prometheus.example/base", username="reader", ca_file=tmp_path / "ca.pem",
        timeout_seconds=2.5, compress=True, headers=(("X-Team", "shop"),),
    )  # fmt: skip
    assert settings.loki == Connection(url="http://loki:3100", tenant="prod")
    assert settings.aws == AwsSettings(region="eu-west-1", cluster="prod")
    assert (settings.deadline_seconds, settings.max_log_lines) == (30.0, 1000)
    assert settings.service("demo-app") == ServiceSettings(
        name="demo-app", depends_on=("auth", "payment"), target_group="demo-tg"
    )
    assert settings.service("other") == ServiceSettings(name="other")


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    """And only over what it names."""
    settings = settings_of(
        '[loki]\nurl = "http://a"\ntenant = "t"\n',
        tmp_path,
        {"OBSKIT_LOKI_URL": "http://b:1/", "OBSKIT_DEADLINE_SECONDS": "7.5"},
    )

    assert settings.loki == Connection(url="http://b:1", tenant="t")
    assert settings.deadline_seconds == 7.5


def test_every_variable_reaches_its_field(tmp_path: Path) -> None:
    """No name in the table is a dead one."""
    (tmp_path / "f").touch()
    for name, target in VARIABLES.items():
        section, _, key = target.rpartition(".")
        value = "f" if key.endswith("_file") else "5" if key.endswith(("seconds", "lines")) else "http://x"
        env = {name: value}
        if section in ("prometheus", "loki", "grafana") and key != "url":
            env[f"OBSKIT_{section.upper()}_URL"] = "http://x"
        if key in ("password", "key_file"):
            env[name.replace("PASSWORD", "USERNAME").replace("KEY_FILE", "CERT_FILE")] = (
                "u" if key == "password" else "f"
            )
            env[name] = value

        settings = load_settings(env, tmp_path)
        part = getattr(settings, section) if section else settings

        assert str(getattr(part, key)) in (value, "5.0", "5", str(tmp_path / "f")), name


def test_the_file_may_lie_elsewhere(tmp_path: Path) -> None:
    """OBSKIT_CONFIG names it; relative to the current folder."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "my.toml").write_text('[loki]\nurl = "http://a"\nbearer_token_file = "token"\n')
    (tmp_path / "conf" / "token").touch()

    settings = load_settings({"OBSKIT_CONFIG": "conf/my.toml"}, tmp_path)

    assert settings.loki.bearer_token_file == tmp_path / "conf" / "token"


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"OBSKIT_PROMETEUS_URL": "http://x"}, "did you mean OBSKIT_PROMETHEUS_URL?"),
        ({"OBSKIT_CONFIGURATION": "x"}, "did you mean OBSKIT_CONFIG?"),
        ({"OBSKIT_LOKI_URL": "postgres://db/x"}, "does not begin with http:// or https://"),
        ({"OBSKIT_LOKI_URL": "loki:3100"}, "did you mean http://loki:3100?"),
        ({"OBSKIT_LOKI_URL": "loki"}, "did you mean http://loki?"),
        ({"OBSKIT_LOKI_URL": "http://"}, "does not begin"),
        ({"OBSKIT_LOKI_URL": "http://loki:99999"}, "no address"),
        ({"OBSKIT_LOKI_URL": "http://lo ki"}, "no address"),
        ({"OBSKIT_LOKI_URL": "http://loki/?token=" + SECRET}, "base address"),
        ({"OBSKIT_LOKI_URL": f"http://u:{SECRET}@loki"}, "user or password"),
        ({"OBSKIT_LOKI_URL": f"u:{SECRET}@loki:3100"}, "user or password"),
        ({"OBSKIT_LOKI_URL": f"http://u:{SECRET}@[loki"}, "no address"),
        ({"OBSKIT_LOKI_URL": "http://a\x1b[31m"}, "control characters"),
        ({"OBSKIT_AWS_ENDPOINT_URL": "localhost:4566"}, "did you mean http://localhost:4566?"),
        ({"OBSKIT_DEADLINE_SECONDS": "soon"}, "is no number"),
        ({"OBSKIT_DEADLINE_SECONDS": "nan"}, "is no number"),
        ({"OBSKIT_DEADLINE_SECONDS": "0"}, "out of range"),
        ({"OBSKIT_DEADLINE_SECONDS": "1e9"}, "out of range"),
        ({"OBSKIT_MAX_LOG_LINES": "10.5"}, "no whole number"),
        ({"OBSKIT_LOKI_CA_FILE": "gone.pem", "OBSKIT_LOKI_URL": "http://x"}, "a file that is not there"),
        ({"OBSKIT_LOKI_CA_FILE": ".", "OBSKIT_LOKI_URL": "http://x"}, "a file that is not there"),
        ({"OBSKIT_CONFIG": "gone.toml"}, "cannot be read"),
        ({"OBSKIT_LOKI_PASSWORD": SECRET, "OBSKIT_LOKI_URL": "http://x"}, "without a username"),
        (
            {"OBSKIT_LOKI_USERNAME": "u", "OBSKIT_LOKI_BEARER_TOKEN": SECRET, "OBSKIT_LOKI_URL": "http://x"},
            "two ways to authenticate",
        ),
        ({"OBSKIT_LOKI_PASSWORD": SECRET + "\n" + SECRET, "OBSKIT_LOKI_USERNAME": "u"}, "control characters"),
    ],
)
def test_a_wrong_variable_is_refused_with_its_cure(tmp_path: Path, env: dict[str, str], says: str) -> None:
    """The text names the variable or its section, says what is wrong, and shows no secret."""
    error = refused(env, tmp_path)

    assert says in str(error)
    assert any(name in str(error) for name in env) or "loki" in str(error)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[prometheus]\nurll = 'http://x'", "did you mean url?"),
        ("[prometeus]\n", "did you mean prometheus?"),
        ("deadline = 3", "did you mean deadline_seconds?"),
        ("[services.a]\ndepend_on = []", "did you mean depends_on?"),
        ("prometheus = 'http://x'", "write [prometheus]"),
        ("services = 3", "write [services.NAME]"),
        ("[services]\na = 3", "write [services.NAME]"),
        ("[services.a]\ndepends_on = 'b'", "no list of names"),
        ("[services.a]\ntarget_group = 3", "is no text"),
        ("[loki]\nurl = 3", "is no text"),
        ("[loki]\ncompress = 'yes'", "neither true nor false"),
        ("[loki]\nheaders = 3", "no table of texts"),
        ("deadline_seconds = true", "is no number"),
        ("max_log_lines = inf", "whole number"),
        ("max_log_lines = 1" + "0" * 400, "whole number"),
        (f"[loki]\npassword = '{SECRET}'", "set OBSKIT_LOKI_PASSWORD"),
        (f"[loki]\nbearer_token = '{SECRET}'", "loki.bearer_token_file"),
        (f"[loki]\nheaders = {{ Authorization = '{SECRET}' }}", "no place for it"),
        (f"[loki]\nheaders = {{ X-Api-Key = '{SECRET}' }}", "no place for it"),
        (f"[loki]\nurl = 'http://u:{SECRET}@x'", "user or password"),
        ("[loki]\nurl 'http://x'", "line 2"),
        ("a = " + "[" * 100_000, "is no TOML"),
        ("a = 1\na = 2", "is no TOML"),
        ("#" * 1_100_000, "larger than a mebibyte"),
    ],
)
def test_a_wrong_file_is_refused_with_its_cure(tmp_path: Path, text: str, says: str) -> None:
    """The text names the file and what to write instead; secrets in a file are refused unshown."""
    (tmp_path / "obskit.toml").write_text(text)

    error = refused({}, tmp_path)

    assert says in str(error)
    assert "obskit.toml" in str(error)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """Bytes of another encoding are named, not quoted."""
    (tmp_path / "obskit.toml").write_bytes(b"\xff\xfea")

    assert "not UTF-8" in str(refused({}, tmp_path))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_address_is_taken_or_refused(text: str) -> None:
    """Nothing but a SettingsError comes of an address, and what is taken is http."""
    try:
        url = load_settings({"OBSKIT_LOKI_URL": text}, Path("/nowhere")).loki.url
    except SettingsError:
        return
    assert url == "" or url.startswith(("http://", "https://", "HTTP"))


def test_secrets_are_masked_and_origins_told(tmp_path: Path) -> None:
    """What is shown says where each value comes from, and never a secret."""
    env = {"OBSKIT_LOKI_USERNAME": "u", "OBSKIT_LOKI_PASSWORD": SECRET}
    settings = settings_of(
        '[loki]\nurl = "http://a"\nheaders = { X-A = "v4lue" }\n[services.a]\ndepends_on = ["b", "c"]', tmp_path, env
    )

    shown = masked(settings)

    assert shown["loki.url"] == {"value": "http://a", "from": str(tmp_path / "obskit.toml")}
    assert shown["loki.password"] == {"value": "********", "from": "OBSKIT_LOKI_PASSWORD"}
    assert shown["loki.headers"]["value"] == "********"
    assert shown["prometheus.password"] == {"value": "", "from": "default"}
    assert shown["deadline_seconds"] == {"value": "20", "from": "default"}
    assert shown["services.a.depends_on"]["value"] == "b, c"
    assert SECRET not in repr(settings) + repr(shown)


def test_who_is_told_of_alerts_stands_in_the_file(tmp_path: Path) -> None:
    """Receivers and services keep the file's order; secrets are files of another machine, which need not be here."""
    told = settings_of(WHO, tmp_path).alertmanager

    assert told == AlertmanagerSettings(
        url="http://obskit.internal:9095/alerts",
        page="oncall",
        ticket="team",
        watchdog="dead-man",
        receivers=(
            Receiver(name="oncall", kind="pagerduty", file="/run/secrets/pagerduty-key"),
            Receiver(name="team", kind="slack", file="/run/secrets/slack-url", channel="#team"),
            Receiver(name="dead-man", url="https://hooks.example.com/dead-man", file="/run/secrets/dead-man-token"),
        ),
        services=(("shop", "team"), ("pay", "oncall")),
    )
    assert settings_of("", tmp_path).alertmanager == AlertmanagerSettings()
    assert settings_of("[alertmanager]\nurl = ''", tmp_path).alertmanager == AlertmanagerSettings()
    assert AlertmanagerSettings().url == "", "nobody listens unless somebody says where"


def test_who_is_told_of_alerts_is_shown(tmp_path: Path) -> None:
    """`obskit doctor` lists it: the file's name is no secret, what is in it is not here."""
    shown = masked(settings_of(WHO, tmp_path))

    assert shown["alertmanager.page"] == {"value": "oncall", "from": str(tmp_path / "obskit.toml")}
    assert shown["alertmanager.receivers.team.channel"]["value"] == "#team"
    assert shown["alertmanager.receivers.oncall.file"]["value"] == "/run/secrets/pagerduty-key"
    assert "alertmanager.receivers.oncall.url" not in shown
    assert shown["alertmanager.services.shop"]["value"] == "team"
    assert masked(Settings())["alertmanager.url"] == {"value": "", "from": "default"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[alertmanager]\npages = 'a'", "did you mean page?"),
        ("[alertmanager]\nrecievers = 'a'", "did you mean receivers?"),
        ("[alertmanager]\nurl = 'obskit:9095'", "did you mean http://obskit:9095?"),
        ("[alertmanager]\npage = ['a']", "is no text"),
        (f"[alertmanager]\nurl = 'https://hooks.slack.com/services/{SECRET}'", 'kind = "slack"'),
        (f"[alertmanager]\nurl = 'HTTPS://Hooks.Slack.com:443/services/{SECRET}/'", "is a secret"),
        (f"[alertmanager]\nurl = 'hooks.slack.com/services/{SECRET}'", "[alertmanager.receivers.NAME]"),
        (f"[alertmanager]\nurl = 'https://events.pagerduty.com/integration/{SECRET}/enqueue'", 'kind = "pagerduty"'),
        (f"[alertmanager]\nurl = 'https://events.eu.pagerduty.com/integration/{SECRET}/enqueue'", "is a secret"),
        (f"[alertmanager]\nurl = 'https://hooks.slack-gov.com/services/{SECRET}'", "is a secret"),
        ("alertmanager = 'a'", "write [alertmanager]"),
        ("[alertmanager]\nreceivers = 'a'", "write [alertmanager.receivers.NAME]"),
        ("[alertmanager.receivers]\na = 'b'", "write [alertmanager.receivers.NAME]"),
        ("[alertmanager.receivers.a]\nchanel = 'b'", "did you mean channel?"),
        ("[alertmanager.receivers.a]\nkind = 'pagerdutty'", "did you mean pagerduty?"),
        ("[alertmanager.receivers.a]\nkind = 3", "is no text"),
        ("[alertmanager.receivers.a]\nurl = 'hooks.example.com'", "did you mean http://hooks.example.com?"),
        ("[alertmanager.receivers.a]\nkind = 'slack'\nurl = 'http://x'", "and the receiver is 'slack'"),
        ("[alertmanager.receivers.a]\nchannel = '#x'", "is for kind = 'slack'"),
        (f"[alertmanager.receivers.a]\nkind = 'pagerduty'\nfile = '{SECRET}'", "never the secret itself"),
        ("[alertmanager.receivers.a]\nfile = 3", "never the secret itself"),
        (f"[alertmanager.receivers.a]\nrouting_key = '{SECRET}'", 'file = "/run/secrets/NAME"'),
        (f"[alertmanager.receivers.a]\nbearer_token = '{SECRET}'", "no place for it"),
        (f"[alertmanager.receivers.a]\nurl = 'https://hooks.slack.com/services/{SECRET}'", 'kind = "slack"'),
        (f"[alertmanager.receivers.a]\nurl = 'hooks.slack.com/services/{SECRET}'", "is a secret"),
        (f"[alertmanager.receivers.a]\nurl = 'https://u:{SECRET}@x'", "user or password"),
        (f"[alertmanager.receivers.a]\nurl = 'https://x/?token={SECRET}'", "base address"),
        ("[alertmanager]\nservices = 'a'", "write [alertmanager.services]"),
        ("[alertmanager.services]\nshop = 3", "is no text"),
        ("[alertmanager.services]\nshop = ''", "is empty"),
    ],
)
def test_who_is_told_is_refused_with_its_cure(tmp_path: Path, text: str, says: str) -> None:
    """A key that is misspelt would tell nobody; a secret in the file would be told to all."""
    (tmp_path / "obskit.toml").write_text(text)

    error = refused({}, tmp_path)

    assert says in str(error)
    assert "obskit.toml" in str(error)


@pytest.mark.parametrize(
    ("env", "name"), [({}, "obskit.toml"), ({"OBSKIT_CONFIG": "own.toml"}, "own.toml"), ({"OBSKIT_CONFIG": " "}, "")]
)
def test_the_file_that_was_read_is_named(tmp_path: Path, env: dict[str, str], name: str) -> None:
    """As it was written, also where nothing stands in it; "" says that there was none."""
    if name:
        (tmp_path / name).touch()

    assert load_settings(env, tmp_path).file == name


def test_aws_is_wanted_once_anything_about_it_is_set() -> None:
    """A queue alone is enough."""
    assert not AwsSettings().wanted
    assert AwsSettings(queue_url="https://q").wanted


def test_reading_settings_loads_nothing_heavy() -> None:
    """`obskit --help` stays quick."""
    code = "import sys, obskit.settings; print({'numpy', 'requests', 'pyarrow', 'boto3', 'rich'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("incidnt", "did you mean incident?"),
        ("JSON", "did you mean json?"),
        ("json", "did you mean json?"),
        ("databasepool", "did you mean DatabasePool?"),
        ("qqqq", "there are json, incident, DatabasePool"),
        ("q" * 100_000, "there are json, incident, DatabasePool"),
        ("", "there are json, incident, DatabasePool"),
    ],
)
def test_the_name_that_was_meant_is_offered(name: str, hint: str) -> None:
    """However it is written; where none is near, those that there are."""
    assert nearest(name, ["json", "incident", "DatabasePool", "json"]) == hint


def test_a_hint_does_not_list_hundreds_of_names() -> None:
    """Nobody reads them; a caller may say where they are listed."""
    names = [f"name{number:03}" for number in range(200)]

    assert nearest("qqqq", names).endswith(", name029 and 170 more")
    assert nearest("qqqq", names, otherwise="obskit lab faults") == "obskit lab faults"
    assert nearest("nmae001", names, otherwise="obskit lab faults") == "did you mean name001?"
