"""`obskit evaluate` and `obskit calibrate`: transcripts, files and exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from obskit.incident.calibration import read_calibration
from obskit.incident.causes import all_causes
from tests.support.command_line import Typed, typed
from tests.support.labelled import corpus, cpu, errors, locks, pool, write

Golden = Callable[[str, str], None]


@pytest.fixture
def obskit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return the command line, in an empty folder and with nothing configured."""
    return typed(monkeypatch, tmp_path, capsys)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small corpus."""
    return corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return twenty-four incidents of six families, of which some are labelled as what the engine does not say."""
    folder = tmp_path_factory.mktemp("many")
    kinds = {"pool": ("db_pool_exhausted", pool()), "cpu": ("cpu_saturation", cpu()), "lock": ("slow_queries", locks())}
    for kind, (cause, case) in kinds.items():
        first = write(folder / f"{kind}.obskit", case)
        for family in ("a", "b"):
            for n in range(4):
                copy = folder / f"{kind}{family}_{n}.obskit"
                shutil.copy(first, copy)
                copy.with_suffix(".truth.json").write_text(json.dumps({"cause": cause}), encoding="utf-8")
        first.unlink()
    return folder


def relabelled(tmp_path: Path, many: Path, wrong: dict[str, str]) -> Path:
    """Return a copy of the corpus in which some recordings have another truth."""
    folder = tmp_path / "relabelled"
    shutil.copytree(many, folder)
    for name, cause in wrong.items():
        (folder / f"{name}.truth.json").write_text(json.dumps({"cause": cause}), encoding="utf-8")
    return folder


# ------------------------------------------------------------------------------ evaluate


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_evaluation_is_the_same_to_the_byte(obskit: Typed, folder: Path, golden: Golden, form: str) -> None:
    """Figures first, then what is wrong, then the tables; nothing of the machine."""
    said = obskit("evaluate", folder, "--no-times", "--format", form)

    assert (said.code, said.err) == (0, "")
    golden(f"evaluate.{'txt' if form == 'text' else 'json'}", said.out)


def test_times_are_told_unless_they_are_not_wanted(obskit: Typed, folder: Path) -> None:
    """A median and the longest, and each recording's own in JSON."""
    assert "seconds a recording" in obskit("evaluate", folder).out
    held = json.loads(obskit("evaluate", folder, "--format", "json").out)

    assert held["seconds"]["longest"] >= held["seconds"]["median"] >= 0
    assert all(one["seconds"] >= 0 for one in held["bundles"])


def test_a_file_is_written_instead_of_printed(obskit: Typed, folder: Path, tmp_path: Path) -> None:
    """Stdout stays empty; stderr says where it is."""
    said = obskit("evaluate", folder, "--format", "json", "--out", "now.json")

    assert (said.code, said.out) == (0, "")
    assert str(tmp_path / "now.json") in said.err
    assert json.loads((tmp_path / "now.json").read_text())["incidents"]["count"] == 3


def test_against_tells_what_got_worse_and_strict_fails(obskit: Typed, folder: Path, tmp_path: Path) -> None:
    """A merge that costs an incident does not go unseen."""
    obskit("evaluate", folder, "--format", "json", "--out", "old.json")
    now = tmp_path / "now"
    shutil.copytree(folder, now)
    write(now / "pool_1.obskit", errors())
    write(now / "batch_1.obskit", errors())
    plain, strict = (obskit("evaluate", now, "--against", "old.json", *more) for more in ((), ("--strict",)))

    assert [plain.code, strict.code] == [0, 1]
    assert "1 better, 1 worse, 3 the same" in plain.out
    assert "worse  pool_1: db_pool_exhausted" in plain.out
    assert "better batch_1: lock_contention" in plain.out


def test_strict_passes_where_nothing_got_worse(obskit: Typed, folder: Path) -> None:
    """The same engine on the same corpus."""
    obskit("evaluate", folder, "--format", "json", "--out", "old.json")
    said = obskit("evaluate", folder, "--against", "old.json", "--strict", "--format", "json", "--no-times")

    assert said.code == 0
    assert json.loads(said.out)["against"] == {
        "better": [],
        "worse": [],
        "relabelled": [],
        "new": [],
        "gone": [],
        "same": 5,
    }


def test_a_damaged_recording_fails_alone_and_is_listed(obskit: Typed, tmp_path: Path) -> None:
    """The others are scored; the exit code tells that one is missing."""
    write(tmp_path / "c" / "good.obskit", pool(), label={"cause": "db_pool_exhausted"})
    write(tmp_path / "c" / "bad.obskit", pool(), label={"cause": "db_pool_exhausted"}).write_bytes(b"PAR1")
    write(tmp_path / "c" / "bare.obskit", pool())
    said = obskit("evaluate", "c")

    assert said.code == 1
    assert "right cause first      1 of 1 (100%)" in said.out
    assert "Cannot be read: 1\n  bad: c/bad.obskit is damaged" in said.out
    assert "Left out: 1\n  bare: a recording without a label" in said.out


def test_a_hostile_name_steers_no_terminal(obskit: Typed, tmp_path: Path) -> None:
    """Recordings may come from anywhere, with their names."""
    write(tmp_path / "c" / "a\x1b[31mred.obskit", pool(), label={"cause": "disk_full", "decoys": ["\x1b[2J"]})

    for form in ("text", "json"):
        said = obskit("evaluate", "c", "--format", form)
        assert "\x1b" not in said.out
        assert "red" in said.out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "Missing argument"),
        (["nowhere"], "nowhere does not exist"),
        (["."], "no labelled recording"),
        (["c", "--format", "html"], "no format 'html'"),
        (["c", "--against", "no.json"], "no.json is no evaluation"),
        (["c", "--against", "list.json"], "list.json is no evaluation"),
        (["c", "--calibration", "list.json"], "list.json is no calibration"),
        (["c", "--calibration", "list.json", "--cross-validate"], "fits calibrations of its own"),
        (["c", "--cross-validate"], "20 are needed"),
        (["c", "--without", "traces"], "no pillar 'traces'"),
        (["c", "--without", "metric"], "did you mean metrics?"),
        (["c", "--strict"], "compares with an earlier evaluation"),
        (["c", "--out", "no/where.json"], "cannot be written"),
        (["c", "--out", "."], "cannot be written"),
    ],
)
def test_what_cannot_be_evaluated_is_one_message(
    obskit: Typed, tmp_path: Path, folder: Path, argv: list[str], words: str
) -> None:
    """Exit code 2, what is wrong and what to do."""
    if argv[:1] == ["c"]:
        (tmp_path / "c").symlink_to(folder)
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    said = obskit("evaluate", *argv)

    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert "try:" in said.err


def test_the_help_says_how_to_label(obskit: Typed) -> None:
    """Nobody needs another page to label a past incident; its example is one."""
    said = obskit("evaluate", "--help")
    example = next(line.strip() for line in said.out.splitlines() if line.strip().startswith('{"cause"'))

    assert json.loads(example)["cause"] in {cause.id for cause in all_causes()}
    for key in ("acceptable", "culprit", "onset", "decoys", "family", "service", '"none"', '"other"'):
        assert key in said.out


# ----------------------------------------------------------------------------- calibrate


def test_a_calibration_that_helps_is_written_and_can_be_tried(obskit: Typed, many: Path, tmp_path: Path) -> None:
    """An engine that is too sure becomes less sure, and evaluates better; its order stays."""
    missed = ("poola_0", "poola_1", "poolb_0", "cpua_0", "cpub_0")
    folder = relabelled(tmp_path, many, dict.fromkeys(missed, "tls_failure"))
    said = obskit("calibrate", folder, "--out", "calibration.json")
    held = json.loads((tmp_path / "calibration.json").read_text())
    before, after = (
        json.loads(obskit("evaluate", folder, "--format", "json", *more).out)
        for more in ((), ("--calibration", "calibration.json"))
    )

    assert said.code == 0
    assert "24 recordings: 24 of incidents, 4 causes, 6 families" in said.out
    assert "calibration written to" in said.err
    assert read_calibration(tmp_path / "calibration.json").temperature == held["temperature"] > 1
    assert held["fitted_on"] == {
        "recordings": 24,
        "samples": 24,
        "samples_of_incidents": 24,
        "families": 6,
        "causes": 4,
    }
    assert after["reliability"]["brier"] < before["reliability"]["brier"]
    assert [one["first"] for one in after["bundles"]] == [one["first"] for one in before["bundles"]]


def test_no_family_is_judged_by_what_it_taught_itself(obskit: Typed, many: Path, tmp_path: Path) -> None:
    """Cross-validated, a family gets what a calibration says that was fitted without it."""

    def told(*argv: str | Path) -> dict[str, float]:
        held = json.loads(obskit("evaluate", *argv, "--format", "json").out)
        return {one["name"]: one["probability"] for one in held["bundles"]}

    missed = dict.fromkeys(("poola_0", "poola_1", "poolb_0", "cpua_0", "cpub_0"), "tls_failure")
    folder = relabelled(tmp_path, many, missed)
    others = tmp_path / "others"
    shutil.copytree(folder, others, ignore=shutil.ignore_patterns("lockb_*"))
    obskit("calibrate", others, "--out", "calibration.json", "--force")
    crossed, with_others = told(folder, "--cross-validate"), told(folder, "--calibration", "calibration.json")

    assert crossed["lockb_0"] == with_others["lockb_0"]
    assert crossed["poola_3"] != with_others["poola_3"]


def test_a_pillar_can_be_taken_away(obskit: Typed, folder: Path) -> None:
    """What the engine is worth when a source is down: without its metrics, no window is called calm."""
    held = json.loads(obskit("evaluate", folder, "--without", "metrics", "--format", "json").out)

    assert held["calm"]["calm"] == 0
    assert not any(one["verdict"] == "calm" for one in held["bundles"])
    both = obskit("evaluate", folder, "--without", "metrics", "--without", "logs").out
    assert both.startswith("5 recordings, without their metrics and logs:")


def test_an_onset_outside_the_recording_is_refused(obskit: Typed, tmp_path: Path) -> None:
    """A label that was copied and not changed would be scored against another night."""
    write(tmp_path / "c" / "pool.obskit", pool(), label={"cause": "db_pool_exhausted", "onset": "2020-01-31T03:12:00Z"})
    said = obskit("evaluate", "c")

    assert said.code == 1
    assert "lies outside the recording" in said.out


def test_a_name_that_ends_in_json_gets_json(obskit: Typed, folder: Path, tmp_path: Path) -> None:
    """As elsewhere: the suffix says what is meant."""
    obskit("evaluate", folder, "--out", "old.json")

    assert json.loads((tmp_path / "old.json").read_text())["schema_version"] == 1
    assert obskit("evaluate", folder, "--against", "old.json", "--strict").code == 0


def test_degraded_recordings_teach_as_well(obskit: Typed, folder: Path) -> None:
    """They count: what is too little stays too little, but it is more."""
    plain, degraded = (obskit("calibrate", folder, "--out", "c.json", *more).err for more in ((), ("--degraded",)))
    counted = [int(said.partition("incidents:")[2].split(",")[0]) for said in (plain, degraded)]

    assert counted[0] < counted[1] < 20


def test_a_worse_calibration_is_written_only_by_force(obskit: Typed, many: Path, tmp_path: Path) -> None:
    """Where each family contradicts the others, what they teach is worth nothing; the command says so."""
    folder = relabelled(tmp_path, many, {f"lockb_{n}": "lock_contention" for n in range(4)})
    refused = obskit("calibrate", folder, "--out", "calibration.json")
    exists = (tmp_path / "calibration.json").exists()
    forced = obskit("calibrate", folder, "--out", "calibration.json", "--force", "--format", "json")

    assert (refused.code, exists) == (1, False)
    assert "not written" in refused.err
    assert forced.code == 0
    held = json.loads(forced.out)
    assert held["written"] is True
    scored = held["one_family_left_out_at_a_time"]
    assert scored["after"]["log_loss"] > scored["before"]["log_loss"]
    assert read_calibration(tmp_path / "calibration.json").temperature == held["temperature"]


def test_too_few_incidents_calibrate_nothing(obskit: Typed, folder: Path, tmp_path: Path) -> None:
    """The message says how many are needed."""
    said = obskit("calibrate", folder, "--out", "calibration.json")

    assert said.code == 2
    assert "20 are needed" in said.err
    assert not (tmp_path / "calibration.json").exists()


def test_a_place_to_write_to_is_looked_for_first(obskit: Typed, many: Path) -> None:
    """Not after minutes of work."""
    said = obskit("calibrate", many, "--out", "no/where.json")

    assert said.code == 2
    assert "cannot be written" in said.err


def test_what_cannot_be_read_is_told_beside_the_calibration(obskit: Typed, many: Path, tmp_path: Path) -> None:
    """The rest is fitted; the exit code tells that something is missing."""
    folder = relabelled(tmp_path, many, {f"poola_{n}": "tls_failure" for n in range(2)})
    write(folder / "bad.obskit", pool(), label={"cause": "db_pool_exhausted"}).write_bytes(b"")
    said = obskit("calibrate", folder, "--out", "calibration.json", "--force")

    assert said.code == 1
    assert "Cannot be read: 1\n  bad: " in said.out
    assert (tmp_path / "calibration.json").exists()
