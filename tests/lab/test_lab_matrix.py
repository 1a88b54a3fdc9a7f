"""The matrix: what is recorded in which order, what happens to what fails or exists, and what is told at the end."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from obskit.cli.app import run as obskit
from obskit.errors import SourceError, UsageError
from obskit.lab.fault import Fault, all_faults, fault_named
from obskit.lab.matrix import SUMMARY, Beside, Row, cells, run, table
from tests.support import labelled
from tests.support.lab_ears import listening_lab
from tests.support.scenario import ONSET, SERVICE


class Recorder:
    """Writes constructed recordings instead of running labs.

    Attributes:
        recorded: What was asked for.
    """

    def __init__(self, *, failing: str = "", error: Exception | None = None) -> None:
        self.recorded: list[str] = []
        self._failing = failing
        self._error = error or SourceError("the lab did not come up", where={"said": "no room"})

    def __call__(self, fault: Fault, strength: float, path: Path, _tell: object) -> None:
        """Write one."""
        self.recorded.append(f"{fault.id} {strength:g}")
        if fault.id == self._failing:
            raise self._error
        label = {"cause": fault.truth.cause, "culprit": SERVICE, "onset": ONSET.isoformat(), "family": fault.id}
        labelled.write(path, labelled.pool(), label=label)


def _silent(_: str) -> None:
    pass


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="obskit-ears-") as path:
        yield Path(path)


def test_each_is_recorded_once_before_any_is_repeated() -> None:
    """A run that is stopped early has something of everything."""
    found = [cell.name for cell in cells(("calm", "database_down"), "all", repeat=2)]

    assert found == [
        "calm_0.8_1", "calm_1_1", "calm_1.2_1", "database_down_1_1",
        "calm_0.8_2", "calm_1_2", "calm_1.2_2", "database_down_1_2",
    ]  # fmt: skip


def test_strengths_are_chosen() -> None:
    """All, the weakest, the usual one, the strongest; and all faults where none is named."""
    assert [cell.strength for cell in cells(("calm",), "weakest")] == [0.8]
    assert [cell.strength for cell in cells(("calm",), "usual")] == [1.0]
    assert [cell.strength for cell in cells(("calm",), "strongest")] == [1.2]
    assert [cell.fault.id for cell in cells(strengths="usual")] == list(all_faults())


def test_what_is_none_is_refused() -> None:
    """A fault that does not exist, an innocent that is guilty."""
    with pytest.raises(UsageError, match="no fault"):
        cells(("calmness",))
    with pytest.raises(UsageError, match="no innocent"):
        cells(("calm",), beside=("disk_full",))


def test_innocents_begin_before_the_fault_and_end_with_it(folder: Path) -> None:
    """The label names them; a fault is not beside itself."""
    fault = Beside.of(fault_named("slow_dependency"), [fault_named("batch_job"), fault_named("innocent_deployment")])
    with listening_lab(folder) as (lab, asked):
        fault.start(lab, 1.2)
        assert [name for name, _ in asked] == ["jobs", "release", "release", "break"]
        fault.stop(lab)

    assert [name for name, _ in asked][4:] == ["mend", "jobs"]
    assert (fault.id, fault.truth.cause, fault.usual) == ("slow_dependency", "slow_dependency", 1.2)
    assert fault.truth.decoys == ("node_pressure", "bad_deployment")
    alone = fault_named("batch_job")
    assert Beside.of(alone, [alone]) is alone


def test_a_settings_clash_is_the_faults_to_win() -> None:
    """Innocents bring theirs only where it has none."""
    fault = Beside.of(fault_named("disk_full"), [fault_named("calm")])

    assert fault.settings == {"disk": 16}


def test_a_failure_costs_one_recording(tmp_path: Path) -> None:
    """The rest is recorded; what failed is told with its reason."""
    rows = list(run(cells(("calm", "leak_connections"), "usual"), tmp_path, Recorder(failing="calm"), _silent))

    assert [(row.fault, row.right) for row in rows] == [("calm", None), ("leak_connections", True)]
    assert "no room" in rows[0].error


@pytest.mark.parametrize("error", [KeyError("pid"), RuntimeError(), ValueError("no number"), OSError(28, "full")])
def test_a_failure_of_any_kind_costs_one_recording(error: Exception, tmp_path: Path) -> None:
    """A whole night is not lost for what nobody has thought of; its kind is kept."""
    recorder = Recorder(failing="calm", error=error)
    rows = list(run(cells(("calm", "leak_connections"), "usual"), tmp_path, recorder, _silent))

    assert [(row.fault, row.right) for row in rows] == [("calm", None), ("leak_connections", True)]
    assert rows[0].error.startswith(type(error).__name__)
    assert str(error) in rows[0].error


def test_a_recording_with_innocents_has_a_name_of_its_own(tmp_path: Path) -> None:
    """Or one without them would stand for it, in the same folder; their order is no other recording."""
    plain = cells(("slow_queries", "batch_job"), "usual")
    beside = cells(("slow_queries", "batch_job"), "usual", beside=("batch_job",))
    many = [
        cells(("slow_queries",), "usual", beside=names)[0].name
        for names in (("batch_job", "innocent_deployment"), ("innocent_deployment", "batch_job", "batch_job"))
    ]
    list(run(plain, tmp_path, Recorder(), _silent))
    again = Recorder()
    list(run(beside, tmp_path, again, _silent))

    assert [cell.name for cell in beside] == ["slow_queries_1.5_beside_batch_job_1", "batch_job_2_1"]
    assert again.recorded == ["slow_queries 1.5"]
    assert set(many) == {"slow_queries_1.5_beside_batch_job_and_innocent_deployment_1"}


def test_the_summary_is_the_folders(tmp_path: Path) -> None:
    """What an earlier run has recorded stays in it, once; what is no longer there, and what cannot be read, do not."""
    list(run(cells(("leak_connections", "disk_full"), "usual"), tmp_path, Recorder(), _silent))
    list(run(cells(("calm", "disk_full"), "usual"), tmp_path, Recorder(failing="calm"), _silent))
    held = json.loads((tmp_path / SUMMARY).read_text())
    assert [row["fault"] for row in held["rows"]] == ["leak_connections", "disk_full", "calm"]
    assert (held["recorded"], held["failed"]) == (2, 1)

    (tmp_path / "leak_connections_0.4_1.obskit").unlink()
    list(run(cells(("disk_full",), "usual"), tmp_path, Recorder(), _silent))
    assert [row["fault"] for row in json.loads((tmp_path / SUMMARY).read_text())["rows"]] == ["disk_full", "calm"]

    told: list[str] = []
    for damaged in ("{", "[]", '{"rows": [{"pigs": 3}]}'):
        (tmp_path / SUMMARY).write_text(damaged)
        list(run(cells(("disk_full",), "usual"), tmp_path, Recorder(), told.append))
        assert json.loads((tmp_path / SUMMARY).read_text())["recorded"] == 1
    assert len(told) == 3


def test_what_exists_is_not_recorded_again(tmp_path: Path) -> None:
    """Not even when only its label is judged anew; one that is damaged, or has no label, is."""
    wanted = cells(("leak_connections",), "all")
    list(run(wanted, tmp_path, Recorder(), _silent))
    (tmp_path / f"{wanted[1].name}.obskit").write_bytes(b"PAR1 no more")
    (tmp_path / f"{wanted[2].name}.truth.json").unlink()
    again = Recorder()
    told: list[str] = []
    rows = list(run(wanted, tmp_path, again, told.append))

    assert again.recorded == [f"leak_connections {cell.strength:g}" for cell in wanted[1:]]
    assert len(told) == 2
    assert [row.right for row in rows] == [True] * 3
    assert rows[0].seconds == 0


def test_the_summary_is_whole_after_each_recording(tmp_path: Path) -> None:
    """Whoever stops the run has it; right and wrong are told apart by the engine's own answer."""
    told = []
    for _ in run(cells(("leak_connections", "disk_full"), "usual"), tmp_path, Recorder(), _silent, clock=lambda: 5.0):
        held = json.loads((tmp_path / SUMMARY).read_text())
        told.append((held["recorded"], held["right"], [row["first"] for row in held["rows"]]))

    assert told == [(1, 1, ["db_pool_exhausted"]), (2, 1, ["db_pool_exhausted"] * 2)]


def test_the_table_says_what_was_said() -> None:
    """A line a recording, the counts at the end."""
    rows = [
        Row(
            name="a_1_1",
            fault="a",
            strength=1,
            cause="disk_full",
            verdict="possible",
            first="slow_queries",
            probability=0.4,
            rank=2,
            right=False,
            seconds=61.2,
        ),
        Row(name="bb_1_1", fault="bb", strength=1, cause="none", verdict="calm", right=True),
        Row(name="c_1_1", fault="c", strength=1, cause="none", error="no lab\nsaid: x"),
    ]

    assert table(rows) == [
        "a_1_1   wrong  slow_queries 40% (possible); disk_full is number 2, 61 s",
        "bb_1_1  right  no cause (calm)",
        "c_1_1   failed no lab",
        "1 of 2 right, 1 failed, 61.2 s",
    ]


def test_the_command_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With everything recorded it needs no lab: progress on stderr, the table or JSON on stdout."""
    list(run(cells(("leak_connections",), "usual"), tmp_path, Recorder(), _silent))
    command = ["lab", "matrix", "--only", "leak_connections", "--strengths", "usual", "--out", str(tmp_path)]

    assert obskit(command) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("1 of 1 right, 0 failed")
    assert "1 of 1  leak_connections_0.4_1" in said.err
    assert obskit([*command, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["first"] == "db_pool_exhausted"


@pytest.mark.parametrize(
    ("more", "words"),
    [(("--strengths", "weak"), "strengths"), (("--only", "x"), "no fault"), (("--beside", "dns_gone"), "innocent")],
)
def test_nonsense_starts_nothing(
    more: tuple[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage, told before minutes of work."""
    assert obskit(["lab", "matrix", "--out", str(tmp_path / "corpus"), *more]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "corpus").exists()
