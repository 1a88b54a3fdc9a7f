"""Writes rule files for Prometheus and for Loki's ruler: plain YAML, the same bytes each time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.rule import Recording, Rule, RuleFile
from obskit.files import State, write_all

Document = dict[str, Any]

_LINE_ENDS = re.compile("[\r\x85\u2028\u2029]")
#: How often rules are evaluated: two scrapes, so that an alert is late by half a minute at most.
INTERVAL = "30s"
SUFFIX = ".rules.yml"
#: Where the files for each server lie below the folder that is built into.
FOLDERS: Mapping[str, str] = {"PromQL": "prometheus", "LogQL": "loki"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A rule group, as rule files hold it.

    Attributes:
        language: Who evaluates it.
        name: Unique over all files of one language.
        rules: As YAML has them.
        interval: How often they are evaluated.
    """

    language: str
    name: str
    rules: tuple[Document, ...]
    interval: str = INTERVAL

    def document(self) -> Document:
        """Return the group as YAML has it."""
        return {"name": self.name, "interval": self.interval, "rules": list(self.rules)}


def groups(files: Iterable[RuleFile], writer: Writer) -> tuple[Group, ...]:
    """Return every rule group: a topic's alerts by language, then what its objectives expand into."""
    from obskit.ascode.alerts.slo import expanded

    found: list[Group] = []
    for file in files:
        for language in FOLDERS:
            rules = tuple(alert_document(r, file.name, writer) for r in file.rules if writer.language(r) == language)
            if rules:
                found.append(Group(language=language, name=f"obskit-{file.name}", rules=rules))
        found += expanded(file.slos, file.name, writer)
    return tuple(found)


def alert_document(rule: Rule, topic: str, writer: Writer) -> Document:
    """Return an alert as a rule file has it."""
    keep = {"keep_firing_for": rule.keep} if rule.keep else {}
    return {
        "alert": rule.name,
        "expr": writer.expr(rule),
        "for": rule.hold,
        **keep,
        "labels": writer.labels(rule, topic),
        "annotations": writer.annotations(rule),
    }


def recording_document(recording: Recording) -> Document:
    """Return a recording as a rule file has it."""
    labels = {"labels": dict(recording.labels)} if recording.labels else {}
    return {"record": recording.name, "expr": recording.expr, **labels}


def texts(found: Sequence[Group]) -> dict[str, str]:
    """Return each rule file's text by its path: one file a group."""
    return {
        f"{FOLDERS[group.language]}/{group.name}{SUFFIX}": as_yaml({"groups": [group.document()]}) for group in found
    }


def write(files: Mapping[str, str], out: Path) -> tuple[tuple[Path, State], ...]:
    """Write files below a folder, and take away what an earlier build wrote and this one does not.

    Returns:
        Each file and what became of it; see `obskit.files.write_all`.

    Raises:
        UsageError: The folder cannot be written.
    """
    return write_all(files, out, by="alerts build")


def as_yaml(document: Document) -> str:
    """Return a document as YAML: keys in their order, several lines as a block."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines as blocks, as a person would."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            """Indent lists below their keys."""
            del indentless
            super().increase_indent(flow, False)

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        # YAML takes these for line ends; only a quoted text can hold them.
        style = '"' if _LINE_ENDS.search(value) else "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    body = yaml.dump(document, Dumper=Dumper, sort_keys=False, width=2**31 - 1, allow_unicode=True)
    return f"# Written by obskit alerts build.\n{body}"
