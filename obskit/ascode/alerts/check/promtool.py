"""Prometheus' own tool takes the rule files.

What it looks for: whatever ``promtool check rules --lint=all --lint-fatal`` says of the files as they
are built, and no check of ours has said before: expressions and labels that the server refuses,
templates that do not parse, the same rule twice.

Why: it is the server's own code. What it refuses, the server refuses: the whole file.

How to mend it: its words name the rule.

Needs promtool: ``apt-get install prometheus``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from obskit.ascode.alerts.build import as_yaml
from obskit.ascode.alerts.check import Built, Case, Place, Skipped
from obskit.ascode.alerts.rule import is_duration
from obskit.ascode.check.promql import wrong
from obskit.ascode.definition import Problem

#: Of checking all files; two hundred rules take half a second.
SECONDS = 60.0
_PLACE = re.compile(r"group \"[^\"]*\", rule (?P<number>\d+), \"[^\"]*\": (?P<said>.*)")
_TWICE = re.compile(r"(?:Metric|Alert): (?P<name>\S+)")


def problems(case: Case) -> Iterable[Problem]:
    """Yield what promtool says.

    Raises:
        Skipped: There is no promtool, or it cannot be run.
    """
    program = shutil.which("promtool")
    if program is None:
        raise Skipped("promtool is not here: apt-get install prometheus")
    groups: dict[str, list[Built]] = {}
    owners: dict[str, Place] = {}
    alerts: set[str] = set()
    for one in case.built:
        # What is there twice, alerts by name and objectives as a whole, is for other checks to say.
        is_said = one.said is not None and one.said.slo is None
        first = one.name not in alerts if is_said else owners.setdefault(one.group, one.place) is one.place
        if one.language == "PromQL" and first and _is_sound(one):
            groups.setdefault(one.group, []).append(one)
            alerts |= {one.name} if is_said else set()
    yield from said_of(list(groups.values()), program)


def _is_sound(one: Built) -> bool:
    """Return whether no other check of ours has said already what promtool would stop at."""
    durations = (str(one.document.get(key) or "") for key in ("for", "keep_firing_for"))
    return wrong(one.expr) is None and all(is_duration(text) for text in durations if text)


def said_of(groups: Sequence[Sequence[Built]], program: str) -> Iterable[Problem]:
    """Yield what promtool says of rule groups, each in a file of its own."""
    if not groups:
        return
    with tempfile.TemporaryDirectory(prefix="obskit-") as folder:
        names = [f"{number}.yml" for number in range(len(groups))]
        for name, rules in zip(names, groups, strict=True):
            group = {"name": "obskit", "rules": [one.document for one in rules]}
            (Path(folder) / name).write_text(as_yaml({"groups": [group]}), encoding="utf-8")
        try:
            done = subprocess.run(  # noqa: S603 (promtool, with files of ours)
                [program, "check", "rules", "--lint=all", "--lint-fatal", *names],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,  # its verdicts and its reasons, in their order
                text=True,
                check=False,
                cwd=folder,
                timeout=SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Skipped(f"promtool could not be run: {type(error).__name__}") from None
    if done.returncode == 0:
        return
    parts = re.split(r"^Checking (\d+)\.yml$", done.stdout, flags=re.MULTILINE)
    for number, said in zip(parts[1::2], parts[2::2], strict=True):
        if "FAILED" in said:
            yield from _read(said, groups[int(number)])


def _read(said: str, rules: Sequence[Built]) -> Iterable[Problem]:
    """Yield a problem for each line that names a rule; one for the group where none does."""
    lines = [line.strip() for line in said.splitlines() if line.strip() not in ("", "FAILED:")]
    found = False
    for line in lines:
        if match := _PLACE.search(line):
            found = True
            yield rules[int(match["number"]) - 1].problem(f"promtool: {match['said']}")
        elif match := _TWICE.fullmatch(line):
            twice = [one for one in rules if one.name == match["name"]]
            found = bool(twice)
            yield from (
                one.problem("promtool: there is a rule with this name and labels already") for one in twice[-1:]
            )
    if not found:
        yield rules[0].problem(f"promtool, of its group {rules[0].group}: {' '.join(lines)[:300]}")
