"""A stack's file: what is read, what is refused, what is said."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obskit.deploy.spec import (
    Application,
    Ci,
    Database,
    Entry,
    Network,
    Size,
    StackSpec,
    Telemetry,
    Waiver,
    Watcher,
)
from obskit.deploy.spec_check import problems
from obskit.deploy.spec_file import Key, keys, override, read
from obskit.deploy.spec_keys import SECTIONS, SHORTHAND, WATCHERS, meanings, names
from obskit.deploy.spec_lines import lines_of
from obskit.errors import SettingsError, UsageError

SPECS = Path(__file__).parent / "specs"
SECRET = "hunter2Xq"
LEAST = 'name = "shop"\ndomain = "shop.example.com"\nimage = "1.0.0"\n'


def written(folder: Path, text: str) -> Path:
    """Return a file with the text."""
    path = folder / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    """Return what is said when a file is read that must not be."""
    with pytest.raises(SettingsError) as caught:
        read(written(folder, text))
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_the_first_file_is_short_and_makes_a_whole_stack() -> None:
    """Ten lines at most: one public application on two tasks, a database, and who watches it."""
    path = SPECS / "good" / "first.toml"

    spec = read(path, commit="0123abc")

    assert len(path.read_text(encoding="utf-8").splitlines()) <= 10
    assert spec.applications == (
        Application(name="demo-app", image="1.0.0", path="/*", minimum=2, maximum=4, database=True),
    )
    assert spec.watcher("prometheus") == Watcher(name="prometheus", cpu=1024, memory=4096, storage=50)
    assert [w.name for w in spec.watchers] == ["prometheus", "grafana", "loki", "alloy", "node-exporter"]
    assert (spec.database, spec.network, spec.entry) == (Database(), Network(), Entry())
    assert (spec.commit, spec.owner, spec.region) == ("0123abc", "platform", "eu-west-1")


def test_the_experts_file_sets_every_key() -> None:
    """What can be written is written once in a file that is read here: so all keys work."""
    found = tomllib.loads((SPECS / "good" / "expert.toml").read_text(encoding="utf-8"))
    applications = {key for table in found["applications"].values() for key in table}
    watchers = {key for name in WATCHERS for key in found[name]}

    missing = {(key.section, key.name) for key in keys() if key.section == "" and key.name not in found}
    missing |= {(section, key) for section, cls in SECTIONS.items() for key in names(cls) if key not in found[section]}
    missing |= {("waivers", key) for key in names(Waiver) if key not in found["waivers"][0]}
    missing |= {("applications", key) for key in names(Application) if key not in applications}

    assert missing == {("", "image")}, "image stands for [applications], so not beside it"
    assert watchers == {"image", "cpu", "memory", "storage", "minimum", "maximum", "architecture"}


def test_every_value_of_the_experts_file_arrives() -> None:
    """Tables become sorted pairs, lists tuples, and an empty text stays one."""
    spec = read(SPECS / "good" / "expert.toml")
    application = spec.applications[0]

    assert application.environment == (("LOG_LEVEL", "info"), ("TOKEN_URL", "https://login.example.com/token"))
    assert application.secrets == (("STRIPE_KEY", "shop/stripe:key"),)
    assert application.command == ("serve", "--workers", "4")
    assert (application.cpu, application.architecture, application.read_only) == (512, "ARM64", False)
    assert spec.watcher("prometheus") == Watcher(name="prometheus", image="v3.14.0", cpu=2048, memory=8192, storage=200)
    assert spec.watcher("loki").memory == 2048, "what the file leaves out keeps the watcher's own default"
    assert spec.database == Database(
        engine_version="17.2",
        instance="db.m7g.large",
        storage=100,
        storage_limit=500,
        replica=True,
        backup_days=14,
        name="shop",
    )
    assert spec.ci == Ci(repository="example/shop", environment="production")
    assert spec.telemetry == Telemetry(
        log_days=90,
        loki_days=62,
        metrics_days=62,
        workspace=True,
        insights="enabled",
        obskit_url="https://obskit.example.com/alerts",
    )
    assert [waiver.id for waiver in spec.waivers] == ["ECS.20"]


def test_no_database_is_wanted_where_the_file_says_so() -> None:
    """``database = false`` leaves it out, for the application that ``image`` stands for too."""
    spec = read(SPECS / "good" / "no_database.toml")

    assert spec.database is None
    assert spec.applications[0].database is False


def test_all_problems_of_a_file_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    """Nobody corrects a file six times; the order is the file's."""
    text = (
        LEAST + '\n[netwrok]\n\n[database]\nstorage = "20"\nprotected = 1\n\n[entry]\nalow = []\n[[waivers]]\nid = 3\n'
    )

    said = refused(tmp_path, text).splitlines()

    assert said[0].endswith("shop.toml is no stack that can be deployed: 6 problems")
    assert [line.split(":", 1)[0].strip() for line in said[1:7]] == [
        "1. line 5",
        "2. line 8",
        "3. line 9",
        "4. line 12",
        "5. line 13",
        "6. line 14",
    ]
    assert "netwrok is no key: did you mean network?" in said[1]
    assert "database.storage = '20' is no whole number" in said[2]
    assert "entry.alow is no key in [entry]: did you mean allow?" in said[4]
    assert "waivers[1].reason is missing: Why it is meant." in said[5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('commit = "abc"', "commit is no key: it is taken from git"),
        ("network = 3", "network = 3 is no section: write [network]"),
        ('database = "no"', "database = 'no' is no section: write [database] or database = false"),
        ("waivers = 3", "waivers = 3 is no list of sections: write [[waivers]] above each"),
        ("waivers = [3]", "waivers[1] = 3 is no section: write [waivers]"),
        ("[prometheus]\nname = 'x'", "prometheus.name is no key in [prometheus]"),
        ("[network]\nzones = 2.0", "network.zones = 2.0 is no whole number"),
        ("[network]\nzones = 0x" + "f" * 10_000, "network.zones = something very long is too large"),
        ("[network]\nzones = 2026-01-01", "is no whole number"),
        ('[entry]\nallow = "0.0.0.0/0"', "entry.allow = '0.0.0.0/0' is no list of texts"),
        ("[entry]\nallow = [1]", "entry.allow = [1] is no list of texts: put it in quotes"),
        ('[entry]\ngrafana = "a\\u0007b"', "entry.grafana = 'a\\x07b' holds control characters"),
        ('"\\u001b[31m" = 1', "'\\x1b[31m' is no key"),
        ("[telemetry]\ninsights = true", 'is not allowed: "enhanced", "enabled", "disabled"'),
    ],
)
def test_each_kind_of_slip_is_named_with_what_is_allowed(tmp_path: Path, text: str, words: str) -> None:
    """Types are strict: a number in quotes, a truth for a number, a section for a list."""
    body = LEAST + text if text.startswith("[") else f"{text}\n{LEAST}"

    assert words in refused(tmp_path, body)


def test_applications_must_be_sections(tmp_path: Path) -> None:
    """A list of them has no names."""
    said = refused(tmp_path, 'name = "shop"\ndomain = "shop.example.com"\napplications = ["demo-app"]\n')

    assert "applications = ['demo-app'] is no section: write [applications.NAME]" in said


@pytest.mark.parametrize(
    "table",
    [
        f'environment = "{SECRET}"',
        f'environment = {{ PASSWORD = ["{SECRET}"] }}',
        f'secrets = ["{SECRET}"]',
        f'secrets = {{ KEY = {{ value = "{SECRET}" }} }}',
        f'port = "password={SECRET}"',
    ],
)
def test_no_secret_is_shown_however_it_is_misplaced(tmp_path: Path, table: str) -> None:
    """The error of a file that holds one goes to CI's log."""
    said = refused(tmp_path, f'name = "shop"\ndomain = "shop.example.com"\n[applications.demo-app]\n{table}\n')

    assert SECRET not in said
    assert "applications.demo-app." in said


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Nothing there, a folder, no TOML, no UTF-8: exit code 2, and never a traceback."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    (tmp_path / "broken.toml").write_text("name = ", encoding="utf-8")

    for name, words in (
        ("missing.toml", "No such file"),
        ("folder", "Is a directory"),
        ("latin.toml", "not UTF-8"),
        ("broken.toml", "is no TOML"),
    ):
        with pytest.raises(SettingsError, match=name) as caught:
            read(tmp_path / name)
        assert words in str(caught.value)
        assert "OBSKIT_CONFIG" not in str(caught.value)


def test_what_is_given_from_outside_wins_over_the_file(tmp_path: Path) -> None:
    """CI sets the image, a second stack its name; what is set is checked like the file."""
    path = written(tmp_path, LEAST)

    spec = read(path, overrides={"name": "shop-two", "network.zones": 3, "image": "2.0.0"})

    assert (spec.name, spec.network.zones, spec.applications[0].image) == ("shop-two", 3, "2.0.0")
    with pytest.raises(SettingsError, match="problem") as caught:
        read(path, overrides={"network.zones": "3", "name.first": "x"})
    assert "network.zones = '3' is no whole number" in str(caught.value)
    assert "name.first cannot be set from outside" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("network.zones=3", ("network.zones", 3)),
        ("entry.protected=true", ("entry.protected", True)),
        ("name=shop", ("name", "shop")),
        ('name="shop"', ("name", "shop")),
        ("image=1.2.3", ("image", "1.2.3")),
        ('entry.allow=["203.0.113.0/24"]', ("entry.allow", ["203.0.113.0/24"])),
        ("name=1\nother = 2", ("name", "1\nother = 2")),
        ("name=", ("name", "")),
    ],
)
def test_a_key_from_the_command_line_is_read_as_toml_or_is_a_text(text: str, pair: tuple[str, Any]) -> None:
    """Nobody wants to quote twice in a shell."""
    assert override(text) == pair


@pytest.mark.parametrize("text", ["network.zones", "=3", " =3", ""])
def test_what_sets_nothing_is_refused(text: str) -> None:
    """There is a key and a value."""
    with pytest.raises(UsageError, match="sets nothing"):
        override(text)


def test_every_attribute_of_the_spec_says_what_it_means() -> None:
    """The docstrings are the documentation of the file."""
    classes = (Application, Watcher, Network, Database, Entry, Telemetry, Ci, Waiver, StackSpec)

    undocumented = [(cls.__name__, key) for cls in classes for key in names(cls) if not meanings(cls).get(key)]
    not_there = [(cls.__name__, key) for cls in classes for key in meanings(cls) if key not in cls.__dataclass_fields__]

    assert undocumented == []
    assert not_there == []


def test_keys_tell_type_default_and_meaning() -> None:
    """As README's table has them: one row a key, nothing twice, defaults as TOML."""
    rows = {(key.section, key.name): key for key in keys()}

    assert len(rows) == len(keys())
    assert all(key.meaning.endswith(".") and "``" not in key.meaning and key.type for key in keys())
    assert rows["", "domain"] == Key(
        section="", name="domain", type="text", default="", meaning="Host name of the public service."
    )
    assert rows["network", "nat"].type == 'one of "one", "zone", "none"'
    assert rows["entry", "allow"].default == '["0.0.0.0/0"]'
    assert rows["applications.NAME", "environment"].default == "{}"
    assert rows["applications.NAME", "read_only"].default == "true"
    assert rows["WATCHER", "storage"].default == "20, prometheus: 50, loki: 50"
    assert rows["applications.NAME", "path"].meaning.endswith("reachable by other services only.")
    assert SHORTHAND in rows["", "image"].meaning


#: Not what stands at the top or in a waiver: that has no default that could be copied.
WITH_DEFAULT = [key for key in keys() if key.default and key.section not in ("", "waivers")]


@pytest.mark.parametrize("key", WITH_DEFAULT, ids=lambda key: f"{key.section}.{key.name}")
def test_a_default_that_is_written_out_changes_nothing(key: Key, tmp_path: Path) -> None:
    """The table of keys can be copied into a file."""
    default = key.default.partition(", prometheus")[0].partition(", grafana")[0]
    section = {"WATCHER": "node-exporter", "applications.NAME": "applications.demo-app"}.get(key.section, key.section)
    head = 'name = "shop"\ndomain = "shop.example.com"\n[applications.demo-app]\n'
    table = "" if section == "applications.demo-app" else f"[{section}]\n"

    plain = read(written(tmp_path, head))
    spec = read(written(tmp_path, f"{head}{table}{key.name} = {default}\n"))

    assert spec == plain


def test_lines_of_keys_are_found_whatever_way_they_are_written() -> None:
    """Headers, dotted keys, quoted keys, tables on a line; not what stands within a text."""
    text = "\n".join(
        (
            "a.b = 1",
            "[one . two] # said",
            "key = '''",
            "not = 3",
            "[nor.this]",
            "'''",
            "'quoted' = { inner = 1, other.one = 2 }",
            "[[rows]]",
            "id = 1",
            "[[rows]]\r",
            "id = 2",
        )
    )

    assert lines_of(text) == {
        "a.b": 1,
        "one.two": 2,
        "one.two.key": 3,
        "one.two.quoted": 7,
        "one.two.quoted.inner": 7,
        "one.two.quoted.other.one": 7,
        "rows[1]": 8,
        "rows[1].id": 9,
        "rows[2]": 10,
        "rows[2].id": 11,
    }


def as_toml(found: dict[str, Any]) -> str:
    """Return tables as TOML on one line each, which is enough for a test."""

    def value(item: Any) -> str:
        if isinstance(item, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {value(v)}" for k, v in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(map(value, item)) + "]"
        return json.dumps(item)

    return "".join(f"{json.dumps(key)} = {value(item)}\n" for key, item in found.items())


LETTERS = st.characters(codec="utf-8", exclude_characters="\x7f")
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.sampled_from([0, 1, 2, 3, 256, 512, 1024, 4096, 9779, 8080]),
    st.text(LETTERS, max_size=12),
    st.sampled_from(
        ["shop", "shop.example.com", "1.0.0", "/*", "10.40.0.0/16", "none", "dns", "demo-app", "0.0.0.0/0", "", "*"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS, max_size=6), inner, max_size=3),
)


def tables(cls: type) -> st.SearchStrategy[dict[str, Any]]:
    """Return tables of a section that hold what is a key more often than not."""
    key = st.sampled_from(names(cls)) | st.text(LETTERS, max_size=6)
    return st.dictionaries(key, VALUES, max_size=6)


FILES = st.fixed_dictionaries(
    {"name": st.just("shop") | SCALARS, "domain": st.just("shop.example.com") | SCALARS},
    optional={
        "owner": SCALARS,
        "region": SCALARS,
        "image": SCALARS,
        "applications": st.dictionaries(st.sampled_from(["demo-app", "payment", "", "a.b"]), tables(Application)),
        "waivers": st.lists(tables(Waiver), max_size=2),
        **{name: tables(Watcher) for name in WATCHERS},
        **{section: tables(cls) | VALUES for section, cls in SECTIONS.items()},
        "unknown": VALUES,
    },
)
QUIET = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(found=FILES)
def test_no_table_makes_anything_but_a_spec_or_a_clean_error(found: dict[str, Any], tmp_path: Path) -> None:
    """Whatever stands under which key: it is read and checked, or refused with words."""
    path = written(tmp_path, as_toml(found))

    try:
        said = "\n".join(map(str, problems(read(path))))
    except SettingsError as error:
        said = str(error)

    assert all(line.isprintable() for line in said.split("\n"))


@QUIET
@given(text=st.text(st.characters(codec="utf-8")) | st.text("[]{}=\".'#\n abn12", max_size=60))
def test_no_text_makes_anything_but_a_spec_or_a_clean_error(text: str, tmp_path: Path) -> None:
    """A file that is no TOML at all, or hardly any."""
    path = written(tmp_path, text)

    with pytest.raises(SettingsError):
        read(path)  # it lacks name and domain at least
    assert all(1 <= line <= text.count("\n") + 1 for line in lines_of(text).values())


@QUIET
@given(
    size=st.builds(
        Size,
        cpu=st.sampled_from([256, 512]),
        minimum=st.integers(1, 5),
        spot=st.integers(0, 100),
        storage=st.integers(),
    )
)
def test_what_is_written_is_what_is_read(size: Size, tmp_path: Path) -> None:
    """Reading changes nothing that has the right type, sensible or not."""
    table = {"cpu": size.cpu, "minimum": size.minimum, "spot": size.spot, "storage": size.storage % 1000}
    spec = read(written(tmp_path, f"{LEAST}[loki]\n{as_toml(table)}"))

    assert spec.watcher("loki") == Watcher(name="loki", memory=2048, **table)  # type: ignore[arg-type]
    assert isinstance(spec, StackSpec)
