"""Transcripts of ``obskit deploy plan, apply, destroy, keys``: what is typed, what comes back, what AWS then has."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

import obskit
from obskit.cli import main
from obskit.errors import SettingsError, UsageError
from tests.standins.fargate import Fargate
from tests.support.stack import DOMAIN

GOLDEN = Path(__file__).parents[1] / "golden"
#: Every wait is over by the first look: a call lasts longer than anything that AWS makes.
CALL_SECONDS = 400.0
FIRST = f'name = "shop"\nregion = "eu-west-1"\ndomain = "{DOMAIN}"\nowner = "platform"\nimage = "1.0.0"\n'
ELSEWHERE = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:shop/api-a1B2c3"
NO_ACCOUNT = "without an account: obskit deploy plan --empty-account"
#: A file of AWS's command line whose profiles lead to no credentials, each for another reason.
PROFILES = """[profile signed-out]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = reader
[profile half]
aws_access_key_id = testing
[profile from-nowhere]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = nowhere
[profile tokenless]
role_arn = arn:aws:iam::123456789012:role/reader
web_identity_token_file = no-such-token
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


Say = Callable[..., Said]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Return a terminal in an empty folder that holds the shortest stack's file."""
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith(("OBSKIT_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    (tmp_path / "stack.toml").write_text(FIRST)

    def run(*argv: str) -> Said:
        code = main(["deploy", *argv])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def fargate() -> Iterator[Fargate]:
    """Yield AWS with the public zone that the domain lies in."""
    simulation = Fargate(seconds_a_call=CALL_SECONDS)
    with simulation.in_process():
        simulation.zone("example.com")
        yield simulation


def test_the_first_plan(say: Say, fargate: Fargate, golden: Callable[[str, str], None]) -> None:
    """What a first stack is made of, what it costs, what is not safe: read before anything is done."""
    said = say("plan")

    assert said.code == 0
    golden("deploy/first_plan.txt", said.out)


@pytest.fixture
def nobody(say: Say, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Return the same terminal without an account: whoever calls AWS from it fails."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "none")
    return say


def test_the_first_plan_needs_no_account(nobody: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one that an account gives in which nothing of the stack is, but for what it says of itself."""
    monkeypatch.setenv("AWS_PROFILE", "of-another-machine")
    said = nobody("plan", "--empty-account")
    known = (GOLDEN / "deploy" / "first_plan.txt").read_text(encoding="utf-8").splitlines()

    lines = said.out.splitlines()
    assert said.code == 0, said.err
    assert lines[0] == "stack shop in eu-west-1, in an account that has nothing of it: 96 to create"
    assert lines[1 : len(known)] == known[1:]
    told = "\n".join(lines[len(known) :])
    assert "AWS was not asked" in told
    assert "000000000000" in told
    assert "eu-west-1a, eu-west-1b" in told
    warnings = [line for line in said.err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == len(set(warnings)) > 0, "the file is checked again once the place is known"


def test_the_first_plan_without_an_account_for_machines(nobody: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody was asked is null, not nothing; findings are judged; the region may be the chain's."""
    Path("stack.toml").write_text(FIRST.replace("eu-west-1", ""))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    said = nobody("plan", "--empty-account", "--format", "json", "--strict")
    document = said.document

    assert (said.code, document["empty_account"], document["account"]) == (1, True, "000000000000")
    assert (document["region"], document["problems"]) == ("eu-west-3", None)
    assert {step["action"] for step in document["steps"]} == {"create"}
    assert any(finding["state"] == "fail" for finding in document["security"])


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (
            'image = "1.0.0"\nregistry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"\n'
            '[network]\nnat = "none"\nendpoints = true\n',
            "lies in another region",
        ),
        (
            f'[applications.api]\nimage = "1.0.0"\npath = "/*"\nsecrets = {{ KEY = "{ELSEWHERE}" }}\n',
            "another partition",
        ),
    ],
)
def test_a_file_is_refused_without_an_account_as_with_one(
    say: Say, fargate: Fargate, monkeypatch: pytest.MonkeyPatch, rest: str, words: str
) -> None:
    """Region and partition may be the chain's: what depends on them is checked as well, by both faces."""
    Path("stack.toml").write_text(f'name = "shop"\ndomain = "{DOMAIN}"\nowner = "platform"\n{rest}')
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    asked, empty = say("plan"), say("plan", "--empty-account")

    assert (asked.code, asked.out) == (empty.code, empty.out) == (2, "")
    assert words in asked.err
    assert empty.err == asked.err
    with pytest.raises(SettingsError, match="1 problem"):
        obskit.plan_stack(empty_account=True)


@pytest.mark.parametrize("flag", ["--exit-code", "--delete-data"])
def test_what_only_an_account_can_tell_is_not_asked_of_an_empty_one(nobody: Say, flag: str) -> None:
    """There everything differs and nothing is to be deleted."""
    said = nobody("plan", "--empty-account", flag)

    assert (said.code, said.out) == (2, "")
    assert f"{flag} says nothing of an empty account" in said.err
    assert f"drop {flag}, or --empty-account" in said.err


def test_the_library_refuses_what_the_command_line_does(nobody: Say) -> None:
    """What is asked is not dropped in silence; the words are those of whoever asks."""
    with pytest.raises(UsageError, match=r"^delete_data says nothing of an empty account") as refused:
        obskit.plan_stack(empty_account=True, delete_data=True)

    assert refused.value.hint == "drop delete_data, or empty_account"


@pytest.mark.parametrize(
    ("region", "words"), [("", "no AWS region is known"), ("eu-wset-1", "did you mean eu-west-1?")]
)
def test_without_an_account_there_is_still_a_region(nobody: Say, region: str, words: str) -> None:
    """The file's or the chain's, and one that there is: names depend on it."""
    Path("stack.toml").write_text(FIRST.replace("eu-west-1", region))
    said = nobody("plan", "--empty-account")

    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_the_first_plan_for_machines(say: Say, fargate: Fargate) -> None:
    """The same, with every field."""
    said = say("plan", "--format", "json")
    document = said.document

    assert (said.code, document["schema_version"], document["stack"], document["region"]) == (0, 1, "shop", "eu-west-1")
    assert {step["action"] for step in document["steps"]} == {"create"}
    assert document["cost"]["usd_a_month"][0] > 0
    assert {"id", "state", "address"} <= document["security"][0].keys()


def test_nothing_is_done_without_a_word(say: Say, fargate: Fargate) -> None:
    """Nobody is there to be asked, so the way to say yes is told."""
    said = say("apply")

    assert said.code == 2
    assert "nothing was done" in said.err
    assert "--yes" in said.err
    assert boto3.client("ecs", "eu-west-1").list_clusters()["clusterArns"] == []


def test_apply_twice_then_drift_then_destroy(say: Say, fargate: Fargate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The life of a stack: everything, nothing, one thing mended, and nothing left but what holds data."""
    Path("stack.toml").write_text(f"{FIRST}[database]\nprotected = false\n")
    first = say("apply", "--yes")
    assert first.code == 0, first.err[-2000:]
    second = say("apply", "--yes", "--format", "json")
    assert second.code == 0, second.err
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert "created; 0 left as they were" in first.out
    assert f"https://{DOMAIN}\n" in first.out
    assert "get-secret-value --secret-id shop/grafana --region eu-west-1" in first.out
    assert "export OBSKIT_ECS_CLUSTER=shop OBSKIT_EVENTS_LOG_GROUP=/aws/events/shop" in first.out
    assert first.out.index("USD a month") < first.out.index("findings not met") < first.out.index("created; ")
    assert second.document["schema_version"] == 1
    assert (second.document["done"], second.document["failed"]) == ([], [])
    assert say("plan", "--exit-code").code == 0

    boto3.client("logs", "eu-west-1").put_retention_policy(logGroupName="/obskit/shop/demo-app", retentionInDays=3)
    drift = say("plan", "--exit-code", "--format", "json")
    assert drift.code == 1
    assert [(s["address"], s["changes"]) for s in drift.document["steps"]] == [
        ("log_group.demo-app", [{"path": "retentionInDays", "before": 3, "after": 30}])
    ]
    text = say("plan")
    assert "  ~ log_group.demo-app\n      retentionInDays  3 -> 30" in text.out

    wrong, right = say("destroy", "--confirm", "shop-2"), say("destroy", "--confirm", "shop")
    assert (wrong.code, "nothing was done" in wrong.err) == (2, True)
    assert right.code == 0, right.err
    assert "nothing is left, but what is kept: " in right.out
    assert re.search(
        r"^\d+ resources of stack shop will be deleted, \d+ kept \(they go on costing some ", right.out, re.MULTILINE
    )
    assert "  - scaling_policy: demo-app-cpu, demo-app-memory\n" in right.out
    assert "database.main: it holds data" in right.out
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    last = say("destroy", "--name", "shop", "--confirm", "shop", "--delete-data", "--format", "json")
    assert (last.code, last.document["left"], last.document["kept"]) == (0, [], [])
    assert (last.document["schema_version"], last.document["snapshots"]) == (1, ["shop-main-final-1"])
    gone = say("destroy", "--name", "shop", "--delete-data")
    assert (gone.code, gone.out) == (
        0,
        "there is no stack shop in eu-west-1, account 123456789012: nothing to delete\n",
    )


def test_an_image_that_nobody_has_pushed_is_said_once_all_else_stands(say: Say, fargate: Fargate) -> None:
    """A first stack makes the repository; then the image is pushed, and the same command goes on."""
    fargate.unpushed.add("shop/demo-app:1.0.0")
    first = say("apply", "--yes")
    fargate.unpushed.clear()
    second = say("apply", "--yes")

    assert first.code == 3
    assert "nothing to do" not in first.out
    last = first.out.partition("1 failed, ")[2].splitlines()
    assert last[1].startswith("  ! service.demo-app: ")
    assert "has not been pushed yet" in last[1]
    assert "docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-west-1.amazonaws.com" in first.out
    assert "docker build --platform linux/amd64 -t " in first.out
    assert last[-1] == "Run the same command again to go on from here."
    assert second.code == 0, second.err


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("plan", "--stack", "nowhere.toml"), 2, "there is no file nowhere.toml"),
        (("destroy", "--name", "shop", "--stack", "stack.toml"), 2, "two ways to say the same"),
        (("plan", "--stack", "."), 2, ". is a folder"),
        (("init",), 2, "stack.toml is there already; nothing was written"),
        (("plan", "--format", "yaml"), 2, "there is no format 'yaml'"),
        (("release", "demo-app"), 2, "--image"),
        (("status", "--name", "nothing"), 2, "no AWS region is known"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    say: Say, fargate: Fargate, argv: tuple[str, ...], code: int, words: str
) -> None:
    """Usage is exit code 2, with no traceback."""
    said = say(*argv)

    assert said.code == code
    assert words in said.err
    assert "Traceback" not in said.err


def test_without_credentials_it_is_said_what_to_do(nobody: Say) -> None:
    """The outside world failed: exit code 3."""
    said = nobody("plan")

    assert said.code == 3
    assert "AWS_PROFILE" in said.err
    assert NO_ACCOUNT in said.err


@pytest.mark.parametrize(
    ("profile", "code", "words"),
    [
        ("of-another-machine", 2, "profile (of-another-machine) could not be found"),
        ("signed-out", 3, "Error loading SSO Token"),
        ("half", 3, "missing: aws_secret_access_key"),
        ("from-nowhere", 3, 'source_profile "nowhere"'),
        ("tokenless", 3, "no-such-token"),
    ],
)
def test_whatever_hides_the_account_the_way_without_one_is_told(
    nobody: Say, monkeypatch: pytest.MonkeyPatch, profile: str, code: int, words: str
) -> None:
    """A newcomer has a profile of another machine, or one that is half written, more often than none."""
    Path("profiles").write_text(PROFILES)
    monkeypatch.setenv("AWS_CONFIG_FILE", "profiles")
    monkeypatch.setenv("AWS_PROFILE", profile)
    said, status = nobody("plan"), nobody("status")

    assert (said.code, said.out) == (status.code, status.out) == (code, "")
    assert words in said.err
    assert "Traceback" not in said.err
    assert NO_ACCOUNT in said.err
    assert "--empty-account" not in status.err, "of a stack that stands it tells nothing"


def test_what_an_empty_account_would_not_help_against_does_not_name_it(nobody: Say) -> None:
    """A region that is unknown is so there too."""
    Path("stack.toml").write_text(FIRST.replace("eu-west-1", ""))
    said = nobody("plan")

    assert (said.code, said.out) == (2, "")
    assert "no AWS region is known" in said.err
    assert "--empty-account" not in said.err


def test_a_wrong_file_names_every_fault_before_aws_is_asked(say: Say, tmp_path: Path) -> None:
    """All at once, with line, key, value and what is allowed."""
    (tmp_path / "stack.toml").write_text(FIRST + "[prometheus]\ncpu = 300\nmaximum = 3\n[network]\nzones = 1\n")
    said = say("plan")

    assert said.code == 2
    assert all(key in said.err for key in ("prometheus.cpu", "network.zones", "prometheus.maximum"))


def test_every_key_is_told(say: Say) -> None:
    """What can be written into the file, without looking into the code."""
    text, document = say("keys"), say("keys", "--format", "json").document["keys"]

    lines = text.out.splitlines()
    assert lines[0] == "At the top of the file"
    assert "[network]" in lines
    assert '  cidr = "10.40.0.0/16"             Of the VPC.' in lines
    assert max(map(len, lines)) <= 100, "what is wider than a terminal is wrapped anywhere"
    assert "``" not in text.out, "no markup of docstrings"
    whole = " ".join(text.out.split())  # as it was before it was wrapped
    assert [row for row in document if " ".join(row["meaning"].split()) not in whole] == []
    assert [row for row in document if row["name"] not in whole] == []
    assert {"section", "name", "type", "default", "meaning"} == document[0].keys()
    assert {"cidr", "retain"} & {row["name"] for row in document} == {"cidr"}


def test_what_is_protected_stops_destroy_before_anything_is_deleted(
    say: Say, fargate: Fargate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is protected unless the file says otherwise; one flag switches that off, and all goes."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert say("apply", "--yes").code == 0
    refused = say("destroy", "--confirm", "shop", "--delete-data")
    assert (refused.code, "database.main is protected; nothing was deleted" in refused.err) == (2, True)
    assert "destroy --delete-data --unprotect" in refused.err
    assert json.loads(say("plan", "--format", "json").out)["steps"] == []

    done = say("destroy", "--confirm", "shop", "--delete-data", "--unprotect")
    assert done.code == 0, done.err[-2000:]
    assert "snapshot shop-main-final-1 is left on purpose" in done.out
    assert "aws rds delete-db-snapshot --db-snapshot-identifier shop-main-final-1 --region eu-west-1" in done.out


def test_what_would_stop_apply_half_way_is_told_before_anything_is_made(say: Say, fargate: Fargate) -> None:
    """All at once: a domain that no zone of the account holds, and a secret that nobody has made."""
    elsewhere = FIRST.replace(DOMAIN, "shop.example.org").replace('image = "1.0.0"\n', "")
    application = '[applications.demo-app]\nimage = "1.0.0"\npath = "/*"\nsecrets = { KEY = "nobodys" }\n'
    Path("stack.toml").write_text(elsewhere + application)
    planned, said = say("plan", "--format", "json"), say("apply", "--yes")

    assert planned.code == 0, planned.err
    about = ["shop.example.org", "grafana.shop.example.org", "secret nobodys of demo-app"]
    assert [one["about"] for one in planned.document["problems"]] == about
    assert said.code == 2
    assert all(one in said.err for one in ("nothing was done", *about))
    assert boto3.client("ec2", "eu-west-1").describe_nat_gateways()["NatGateways"] == []


def test_a_wrong_region_is_told_before_aws_is_asked(say: Say) -> None:
    """It would be a host that does not answer."""
    Path("stack.toml").write_text(FIRST.replace("eu-west-1", "eu-wset-1"))
    said = say("plan")

    assert said.code == 2
    assert "did you mean eu-west-1?" in said.err


def test_a_stack_file_is_begun(say: Say, fargate: Fargate) -> None:
    """What is written can be planned as it stands."""
    said = say("init", "--stack", "new.toml", "--name", "two", "--domain", "two.example.com")

    assert said.code == 0, said.err
    assert "obskit deploy plan --stack new.toml" in said.out
    assert "stack two in eu-west-1" in say("plan", "--stack", "new.toml").out
