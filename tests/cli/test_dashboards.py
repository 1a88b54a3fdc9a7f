"""Transcripts of ``obskit dashboards …``: what is typed, what comes back, what Grafana holds afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from obskit.ascode.check import all_checks, explain
from obskit.ascode.definition import SUFFIX
from tests.standins import faulty
from tests.standins.grafana import GrafanaStandIn
from tests.support.command_line import CONTROLS, Said, Typed, typed
from tests.support.node import grafana_tools

ROOT = Path(__file__).resolve().parents[2]
BROKEN = ROOT / "tests" / "ascode" / "broken"
TOKENS = (GrafanaStandIn.token, GrafanaStandIn.viewer_token, "glsa_nobodysToken")

BOARD = """from obskit.ascode import board, group, panel

dashboard = board(
    "{name}",
    title="{title}",
    description="Of a test.",
    groups=[group("Traffic", {panels})],
)
"""
CHECKS = """[[exclude]]
check = ["template-job", "template-instance", "target-job", "target-instance"]
dashboard = "*"
reason = "services are told apart by the label service"
"""
GO_ON = "run the same command again"


@pytest.fixture
def obskit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return ``obskit dashboards``, in a folder with two sound definitions, ``alpha`` and ``beta``."""
    command = typed(monkeypatch, tmp_path, capsys, command=("dashboards",))
    define("alpha")
    define("beta")
    Path("dashboards", "checks.toml").write_text(CHECKS, encoding="utf-8")

    def run(*argv: str | Path) -> Said:
        said = command(*argv)
        for text in (said.out, said.err):
            assert not CONTROLS.search(text), f"a terminal would obey {text!r}"
            assert not any(token in text for token in TOKENS)
        return said

    return run


@pytest.fixture
def grafana(obskit: Typed, monkeypatch: pytest.MonkeyPatch) -> Iterator[GrafanaStandIn]:
    """An empty Grafana, configured as the one to push to."""
    with GrafanaStandIn() as standin:
        monkeypatch.setenv("OBSKIT_GRAFANA_URL", standin.url)
        monkeypatch.setenv("OBSKIT_GRAFANA_BEARER_TOKEN", standin.token)
        yield standin


def define(name: str, *, title: str = "", panels: str = '"http_requests"') -> Path:
    """Write a definition into ``dashboards/``."""
    return write(name, BOARD.format(name=name, title=title or f"The {name}", panels=panels))


def write(name: str, text: str) -> Path:
    """Write any text as a definition."""
    path = Path("dashboards", f"{name}{SUFFIX}")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def retitle(model: dict[str, Any]) -> None:
    """Do what somebody does in the browser: give the first panel below the row another title."""
    model["panels"][1]["title"] = "What users want"


# --------------------------------------------------------------------------------- build


def test_building_writes_a_file_of_each_and_the_same_bytes_again(obskit: Typed) -> None:
    """A second run changes nothing, and says so."""
    first = obskit("build", "--out", "out")
    bytes_of = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    second = obskit("build", "--out", "out")

    assert (first.code, second.code) == (0, 0)
    assert sorted(name for name in bytes_of if name.endswith(".json")) == ["alpha.json", "beta.json"]
    assert json.loads(bytes_of["alpha.json"])["uid"] == "obskit-alpha"
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == bytes_of
    assert first.out.splitlines()[-1] == "2 dashboards, 2 changed"
    assert second.out.splitlines()[-1] == "2 dashboards, 0 changed"


def test_building_says_what_it_wrote_as_json(obskit: Typed) -> None:
    """Name, path and what became of it, for each."""
    said = obskit("build", "--out", "out", "--only", "beta", "--format", "json")

    assert json.loads(said.out) == [{"name": "beta", "path": "out/beta.json", "state": "wrote"}]


def test_with_a_broken_definition_nothing_is_written(obskit: Typed) -> None:
    """Half a folder would be provisioned as if it were the whole."""
    write("bad", "x = 1\nraise ValueError('no way')\n")

    said = obskit("build", "--out", "out")

    assert (said.code, said.out) == (1, "")
    assert f"dashboards/bad{SUFFIX}:2: error: it raises ValueError: no way [definition]" in said.err
    assert said.err.endswith("nothing was written\n")
    assert not Path("out").exists()


def test_a_folder_that_cannot_be_written_is_one_message(obskit: Typed) -> None:
    """It is named, and what to do instead."""
    Path("out").write_text("a file", encoding="utf-8")

    said = obskit("build", "--out", "out")

    assert said.code == 2
    assert "out cannot be written" in said.err
    assert "--out DIR" in said.err


# --------------------------------------------------------------------------------- check


def test_our_own_dashboards_are_clean(obskit: Typed) -> None:
    """What obskit brings along keeps every rule, its exclusions with a reason."""
    grafana_tools()

    said = obskit("check", "--folder", ROOT / "dashboards")

    assert said.code == 0, said.out
    assert re.search(r"^0 errors, 0 warnings, \d+ excluded with a reason; \d+ checks made$", said.out, re.MULTILINE)


def test_the_broken_folder_fails_and_every_file_is_named(obskit: Typed) -> None:
    """With each file's place, as a path that an editor opens."""
    grafana_tools()

    said = obskit("check", "--folder", BROKEN)

    assert said.code == 1
    for path in BROKEN.glob(f"*{SUFFIX}"):
        assert re.search(rf"{re.escape(str(path))}(:\d+)?: (error|warning): ", said.out), path.name


def test_what_follows_from_a_definition_that_cannot_be_read_is_not_told(obskit: Typed) -> None:
    """A typo in one file is one error, not one more for each link to its dashboard; other dead links are told."""
    write("bad", "x = 1\nraise ValueError('no way')\n")
    write(
        "alpha",
        BOARD.replace("import board", "import board, text").format(
            name="alpha", title="Alpha", panels='text("See", "[one](/d/obskit-bad) [two](/d/obskit-none)")'
        ),
    )

    said = obskit("check", "--format", "json", "--check", "dashboard-links")

    told = [(problem["check"], problem["message"]) for problem in json.loads(said.out)["problems"]]
    assert told == [
        ("definition", "it raises ValueError: no way"),
        ("dashboard-links", "link 'two': no definition has the uid 'obskit-none'"),
    ]


def test_problems_as_json_have_all_that_a_tool_needs(obskit: Typed) -> None:
    """Place, panel, query and column; and what was not checked, with the reason."""
    define("alpha", panels='panel("http_requests", title="Mine", divided_by="count(up")')

    said = obskit("check", "--format", "json", "--check", "promql", "--check", "live-data")

    document = json.loads(said.out)
    assert said.code == 1
    assert set(document) == {"problems", "skipped", "failed", "excluded", "made"}
    assert (document["made"], document["excluded"]) == (["promql"], 0)
    assert [skipped["check"] for skipped in document["skipped"]] == ["live-data"]
    (problem,) = document["problems"]
    assert problem["check"] == "promql"
    assert problem["severity"] == "error"
    assert (problem["file"], problem["line"]) == (f"dashboards/alpha{SUFFIX}", 7)
    assert problem["panel"] == "Mine"
    assert problem["query"][problem["column"] - 1 :] == "(count(up)"  # the bracket that is not closed
    assert set(problem) == {"check", "message", "file", "line", "panel", "query", "column", "severity", "hint"}


def test_annotations_of_a_pull_request_cannot_be_broken_out_of(obskit: Typed) -> None:
    """In GitHub's language a line end, a per cent sign, a colon and a comma would end the property or the command."""
    write("a,b:100%", "raise ValueError('100%\\n::error::pwned')\n")
    define("alpha", panels='panel("http_requests", divided_by="count(up")')

    said = obskit("check", "--format", "github", "--check", "promql")

    lines = said.out.splitlines()
    assert said.code == 1
    assert len(lines) == 2
    assert all(re.match(r"::error file=[^:,]+,line=\d+,title=[^:,]+::", line) for line in lines)
    assert f"file=dashboards/a%2Cb%3A100%25{SUFFIX},line=1,title=definition::" in said.out
    assert "it raises ValueError: 100%25 ::error::pwned" in said.out
    assert "%0A) / (count(up)" in said.out


def test_a_check_explains_itself(obskit: Typed) -> None:
    """The page is the one that stands in the check's file."""
    said = obskit("check", "--explain", "target-rate-interval")

    assert said == Said(0, explain("target-rate-interval") + "\n", "")
    assert "How to mend it" in said.out


def test_the_checks_are_listed(obskit: Typed) -> None:
    """Each with the sentence that its page begins with."""
    said = obskit("check", "--list")

    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == list(all_checks())
    assert "Every unit is one that Grafana knows." in said.out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["check", "--check", "nope"], "there is no check 'nope'"),
        (["check", "--explain", "nope"], "there is no check 'nope'"),
        (["check", "--format", "xml"], "there is no format 'xml'"),
        (["build", "--out", "out", "--format", "xml"], "there is no format 'xml'"),
        (["diff", "--format", "github"], "there is no format 'github'"),
        (["push", "--format", "md"], "there is no format 'md'"),
        (["check", "--only", "gamma"], "there is no dashboard 'gamma'"),
        (["preview", "alhpa", "--out", "x.html"], "did you mean alpha?"),
        (["check", "--check", "promq"], "did you mean promql?"),
        (["check", "--folder", "nowhere"], "there is no folder nowhere"),
        (["push", "--only", "alpha", "--prune"], "--only and --prune do not go together"),
        (["push", "--prune-limit", "-1"], "--prune-limit"),
        (["build"], "--out"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(obskit: Typed, argv: list[str], words: str) -> None:
    """Exit code 2, and nothing on stdout that could be taken for an answer."""
    said = obskit(*argv)

    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert "try: " in said.err


def test_only_what_is_named_is_looked_at(obskit: Typed) -> None:
    """Another one's mistake does not fail it."""
    write("bad", "raise ValueError\n")

    assert obskit("check", "--only", "alpha", "--check", "promql").code == 0
    assert obskit("check", "--only", "bad", "--check", "promql").code == 1


def test_warnings_fail_only_when_strict(obskit: Typed) -> None:
    """They are shown in both cases."""
    define("alpha", panels='panel("http_requests", title="Same"), panel("http_error_ratio", title="Same")')
    ask = ("check", "--check", "duplicate-panel-title")

    lenient, strict = obskit(*ask), obskit(*ask, "--strict")

    assert (lenient.code, strict.code) == (0, 1)
    assert lenient.out == strict.out
    assert "0 errors, 1 warning" in lenient.out


def test_a_prometheus_that_does_not_answer_is_no_clean_check(obskit: Typed) -> None:
    """Exit code 3, with its address; nothing was found because nothing could be looked for."""
    with faulty.refuse() as url:
        said = obskit("check", "--prometheus", url, "--check", "live-metrics", "--check", "promql")

    assert said.code == 3
    assert url in said.out
    assert said.out.splitlines()[-1] == "0 errors, 0 warnings; 1 check made, 1 check failed"


# --------------------------------------------------------------------- diff, push and prune


def test_an_empty_grafana_gets_everything_once(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """What diff lists is what push makes; then there is no difference and nothing is written."""
    before = obskit("diff")
    assert (before.code, grafana.writes()) == (1, [])
    assert [line.split()[:3] for line in before.out.splitlines()[:2]] == [
        ["+", "create", "obskit-alpha"],
        ["+", "create", "obskit-beta"],
    ]

    pushed = obskit("push", "--commit", "0a1b2c3")
    assert pushed.code == 0
    assert "2 changes made" in pushed.out
    assert set(grafana.models) == {"obskit-alpha", "obskit-beta"}
    messages = [call.body["message"] for call in grafana.writes() if "dashboard" in call.body]
    assert len(messages) == 2
    assert all("0a1b2c3" in message for message in messages)

    written = len(grafana.writes())
    again, after = obskit("push"), obskit("diff")
    assert (again.code, after.code) == (0, 0)
    assert "0 changes made" in again.out
    assert "2 unchanged" in after.out
    assert len(grafana.writes()) == written


def test_a_dry_run_says_what_a_push_would_do_and_does_nothing(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """Exit code 1 tells a pipeline that something would be done."""
    said = obskit("push", "--dry-run")

    assert said.code == 1
    assert "2 to create" in said.out
    assert grafana.writes() == []


def test_an_edit_in_the_browser_is_shown_and_not_undone(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """The report names exactly the place; whoever wants it undone has to say so."""
    obskit("push")
    grafana.edit_in_ui("obskit-alpha", retitle, by="ann", panel_defaults=True)
    written = len(grafana.writes())

    compared = obskit("diff", "--format", "json")
    refused = obskit("push")
    assert (compared.code, refused.code) == (1, 1)
    actions = {action["uid"]: action for action in json.loads(compared.out)["actions"]}
    assert actions["obskit-beta"]["kind"] == "unchanged"
    assert actions["obskit-alpha"]["kind"] == "refused"
    assert [edit["path"] for edit in actions["obskit-alpha"]["edits"]] == ["panels[Requests].title"]
    assert "What users want" in refused.out
    assert "ann" in refused.out
    assert "--overwrite-edits" in refused.out
    assert len(grafana.writes()) == written
    assert grafana.models["obskit-alpha"]["panels"][1]["title"] == "What users want"

    taken = obskit("push", "--overwrite-edits")
    assert taken.code == 0
    assert grafana.models["obskit-alpha"]["panels"][1]["title"] == "Requests"
    assert obskit("diff").code == 0


def test_a_diff_for_a_pull_request_is_markdown(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """A heading that counts, and the changes as a block of diff."""
    obskit("push")
    empty = obskit("diff", "--format", "md")
    define("alpha", title="```\\n# pwned")
    said = obskit("diff", "--format", "md")

    assert (empty.code, said.code) == (0, 1)
    assert empty.out.strip() == "### Dashboards: 0 to create, 0 to update, 2 unchanged"
    assert said.out.startswith("### Dashboards: 0 to create, 1 to update, 1 unchanged\n\n```diff\n")
    assert said.out.count("```") == 2


def test_what_left_the_folder_leaves_grafana_and_nothing_else_does(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """Only what a push of ours made is pruned; a dashboard of others and a copy of ours stay."""
    obskit("push")
    grafana.put({"uid": "theirs", "title": "Theirs", "tags": [], "panels": []})
    copied = {"uid": "copy", "title": "Copy of beta", "tags": ["obskit"], "panels": []}
    grafana.put(copied, folder_uid=grafana.places["obskit-beta"])
    Path("dashboards", f"beta{SUFFIX}").unlink()

    kept = obskit("push")
    assert kept.code == 0
    assert "obskit-beta" in grafana.models

    limited = obskit("push", "--prune", "--prune-limit", "0")
    assert limited.code == 1
    assert "obskit-beta" in grafana.models

    pruned = obskit("push", "--prune")
    assert pruned.code == 0
    assert "deleted" in pruned.out
    assert set(grafana.models) == {"obskit-alpha", "theirs", "copy"}

    after = obskit("diff", "--prune")
    assert after.code == 0, "a copy that somebody made is no difference"
    assert "no version of it is ours" in after.out


@pytest.mark.parametrize("panels", ['"http_request"', 'panel("http_requests", unit="rqps")'])
def test_nothing_is_pushed_when_one_definition_is_broken(obskit: Typed, grafana: GrafanaStandIn, panels: str) -> None:
    """Neither where it cannot be loaded nor where a check fails; Grafana is not even asked."""
    define("beta", panels=panels)

    said = obskit("push")

    assert (said.code, said.out) == (1, "")
    assert f"dashboards/beta{SUFFIX}:7: error: " in said.err
    assert said.err.endswith("nothing was pushed\n")
    assert grafana.calls == []


@pytest.mark.parametrize("argv", [["diff"], ["push"], ["pull", "obskit-alpha"]])
def test_without_a_grafana_the_variables_are_named(obskit: Typed, argv: list[str]) -> None:
    """Exit code 2: it is not Grafana that failed."""
    said = obskit(*argv)

    assert (said.code, said.out) == (2, "")
    assert "no Grafana is configured" in said.err
    assert "OBSKIT_GRAFANA_URL" in said.err
    assert "OBSKIT_GRAFANA_BEARER_TOKEN" in said.err


# ------------------------------------------------------------------------ when Grafana fails


@pytest.mark.parametrize("argv", [["diff"], ["push"], ["pull", "obskit-alpha"]])
@pytest.mark.parametrize(
    ("token", "words", "way_on"),
    [
        ("glsa_nobodysToken", "401", "OBSKIT_GRAFANA_BEARER_TOKEN"),
        ("", "could not be reached", "obskit doctor"),
    ],
)
def test_a_grafana_that_cannot_be_read_is_one_message(
    obskit: Typed,
    grafana: GrafanaStandIn,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    token: str,
    words: str,
    way_on: str,
) -> None:
    """Exit code 3, the address, Grafana's words, and what to do; nothing was changed."""
    if token:
        monkeypatch.setenv("OBSKIT_GRAFANA_BEARER_TOKEN", token)
    grafana.down = not token

    said = obskit(*argv)

    assert (said.code, said.out) == (3, "")
    for word in (words, way_on, grafana.url):
        assert word in said.err
    assert grafana.writes() == []


def test_whoever_may_only_read_is_told_which_right_is_missing(
    obskit: Typed, grafana: GrafanaStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """403 on the first change: both dashboards are named as not done."""
    monkeypatch.setenv("OBSKIT_GRAFANA_BEARER_TOKEN", grafana.viewer_token)

    said = obskit("push")

    assert said.code == 3
    assert "0 changes made, 2 failed" in said.out
    assert said.out.count("folders:create") == 2
    assert "role Editor" in said.out
    assert GO_ON in said.out
    assert grafana.models == {}


@pytest.mark.parametrize(
    ("status", "words"), [(500, "500"), (412, "412"), (403, "403"), (401, "OBSKIT_GRAFANA_BEARER_TOKEN")]
)
def test_a_push_that_fails_half_way_says_what_is_done_and_goes_on(
    obskit: Typed, grafana: GrafanaStandIn, status: int, words: str
) -> None:
    """What failed has its reason, what was not begun is named, and a second run does the rest."""
    obskit("push")
    define("alpha", title="The new alpha")
    Path("dashboards", f"beta{SUFFIX}").unlink()
    grafana.fail_next(1, status, methods=("POST",))

    said = obskit("push", "--prune")

    assert said.code == 3
    assert re.search(rf"^failed +obskit-alpha .*{words}", said.out, re.MULTILINE)
    assert re.search(r"^not done +obskit-beta +nothing is deleted until all else succeeded$", said.out, re.MULTILINE)
    assert "0 changes made, 1 failed, 1 not begun" in said.out
    assert GO_ON in said.out
    assert grafana.models["obskit-alpha"]["title"] == "The alpha"
    assert "obskit-beta" in grafana.models

    assert obskit("push", "--prune").code == 0
    assert {uid: model["title"] for uid, model in grafana.models.items()} == {"obskit-alpha": "The new alpha"}


def test_one_that_fails_does_not_take_the_other_with_it(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """The one that was done is counted as done, in JSON too."""
    obskit("push")
    define("alpha", title="The new alpha")
    define("beta", title="The new beta")
    grafana.fail_next(1, 500, methods=("POST",))

    said = obskit("push", "--format", "json")

    document = json.loads(said.out)
    assert said.code == 3
    assert (len(document["done"]), len(document["failed"]), document["not_done"]) == (1, 1, [])
    assert "500" in document["failed"][0]["reason"]
    assert {action["kind"] for action in document["actions"]} == {"update"}
    assert obskit("push").code == 0
    assert obskit("diff").code == 0


@pytest.mark.parametrize("applied", [True, False])
def test_a_push_that_is_cut_off_converges(obskit: Typed, grafana: GrafanaStandIn, applied: bool) -> None:
    """Whether the last change was made or not, the next run finds out."""
    grafana.die_at_call(2, applied, methods=("POST",), stays_down=True)

    cut = obskit("push")
    assert cut.code == 3
    assert GO_ON in cut.out

    grafana.down = False
    assert obskit("push").code == 0
    assert obskit("diff").code == 0
    assert set(grafana.models) == {"obskit-alpha", "obskit-beta"}


# ------------------------------------------------------------------------ pull and provision


def test_pull_prints_the_json_alone_and_the_matches_beside_it(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """Stdout can be sent to a file; stderr says which signal each query is."""
    obskit("push")
    grafana.edit_in_ui("obskit-alpha", retitle)

    said = obskit("pull", "obskit-alpha")
    kept = obskit("pull", "obskit-alpha", "--out", "alpha.json")

    assert (said.code, kept.code) == (0, 0)
    assert json.loads(said.out)["panels"][1]["title"] == "What users want"
    assert "same query" in said.err
    assert "http_requests" in said.err
    assert "1 of 1 query is a signal" in said.err
    assert (kept.out, kept.err) == ("", f"wrote alpha.json\n{said.err}")
    assert Path("alpha.json").read_text(encoding="utf-8") == said.out


def test_pulling_what_is_not_there_is_wrong_usage(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """With where a uid is found."""
    said = obskit("pull", "nope")

    assert (said.code, said.out) == (2, "")
    assert "Grafana has no dashboard with the uid 'nope'" in said.err
    assert "/d/" in said.err


def test_provisioning_files_hold_no_secret_and_are_the_same_again(
    obskit: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses and secrets are left to the environment of the Grafana that reads them."""
    for source in ("PROMETHEUS", "LOKI", "GRAFANA"):
        monkeypatch.setenv(f"OBSKIT_{source}_URL", f"https://{source.lower()}.internal.example")
        monkeypatch.setenv(f"OBSKIT_{source}_BEARER_TOKEN", "s3cret-of-a-source")

    said = obskit("provision", "--out", "one", "--alerting")
    obskit("provision", "--out", "two", "--alerting")
    obskit("provision", "--out", "three")

    texts = [{str(p.relative_to(r)): p.read_bytes() for p in r.rglob("[!.]*.*")} for r in (Path("one"), Path("two"))]
    assert said.code == 0
    assert texts[0] == texts[1]
    assert {f"one/{name}" for name in texts[0]} <= set(said.out.split())
    assert "OBSKIT_RECEIVER_URL" in said.out, "what the files need is said"
    assert not Path("three", "provisioning", "alerting").exists(), "a policy replaces the whole tree: never unasked"
    assert sorted(texts[0]) == [
        "dashboards/alpha.json",
        "dashboards/beta.json",
        "provisioning/alerting/obskit.yaml",
        "provisioning/dashboards/obskit.yaml",
        "provisioning/datasources/obskit.yaml",
    ]
    for name, content in texts[0].items():
        assert b"s3cret" not in content
        assert b"internal.example" not in content
        document = json.loads(content) if name.endswith(".json") else yaml.safe_load(content)
        assert isinstance(document, dict)


def test_a_broken_definition_is_not_provisioned(obskit: Typed) -> None:
    """Grafana would start with half of the dashboards."""
    write("bad", "dashboard = 7\n")

    said = obskit("provision", "--out", "one")

    assert said.code == 1
    assert f"dashboards/bad{SUFFIX}" in said.err
    assert not Path("one").exists()


def test_json_on_a_terminal_steers_nothing(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """What JSON lets through is written as escapes; a machine reads the same."""
    grafana.put({"uid": "u", "title": "a\x9b31m \u202e\x7f", "panels": [], "schemaVersion": 42})
    said = obskit("pull", "u")  # the fixture asserts that nothing steers

    assert json.loads(said.out)["title"] == "a\x9b31m \u202e\x7f"


def test_a_link_of_a_signals_panel_has_its_line(obskit: Typed) -> None:
    """A panel is often named by its signal alone."""
    panels = '\n        "http_requests",\n        more="checkout",\n    '
    define("alpha", panels=panels)
    said = obskit("check", "--only", "alpha", "--check", "dashboard-links", "--format", "json")

    assert [p["line"] for p in json.loads(said.out)["problems"] if "checkout" in p["message"]] == [8]


def test_a_push_never_takes_the_dashboards_that_obskit_brings(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """One folder too deep, it would prune somebody's own and install ours."""
    obskit("push")
    Path("dashboards").rename("elsewhere")

    for command in (("push", "--prune"), ("diff", "--prune")):
        said = obskit(*command)
        assert said.code == 2
        assert "there is no folder dashboards here" in said.err
    assert set(grafana.models) == {"obskit-alpha", "obskit-beta"}


def test_a_file_that_fails_its_second_run_is_not_taken_for_gone(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """What was checked is what is pushed: definitions are run once."""
    obskit("push")
    source = Path("dashboards", f"beta{SUFFIX}").read_text(encoding="utf-8")
    again = "import pathlib\nif pathlib.Path('ran').exists(): raise ValueError\npathlib.Path('ran').touch()\n"
    write("beta", again + source)

    said = obskit("push", "--prune")

    assert said.code == 0, said.err
    assert "obskit-beta" in grafana.models


def test_a_part_of_the_folder_can_be_pushed_although_it_links_the_rest(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """--only limits what is told and pushed, not what links may name."""
    define("alpha", panels='"http_requests", more="beta"')

    said = obskit("push", "--only", "alpha")

    assert said.code == 0, said.err
    assert set(grafana.models) == {"obskit-alpha"}


def test_a_check_that_must_be_made_and_cannot_is_an_error(obskit: Typed) -> None:
    """In a pipeline, "not checked" must not pass."""
    said = obskit("check", "--require", "live-data")

    assert said.code == 1
    assert "it was not made" in said.out


def test_signals_can_be_looked_up(obskit: Typed) -> None:
    """A person has to find the names somewhere."""
    said = obskit("signals", "pool")

    assert said.code == 0
    assert "db_pool_used_ratio" in said.out
    assert obskit("signals", "no such thing").code == 2


def test_after_a_push_that_went_well_nobody_is_told_to_run_it_again(obskit: Typed, grafana: GrafanaStandIn) -> None:
    """The last line is the count."""
    assert obskit("push").out.splitlines()[-1] == "2 changes made"
    assert obskit("push").out.splitlines()[-1] == "0 changes made"
