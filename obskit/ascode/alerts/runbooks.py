"""Reads runbooks: their sections, links and queries, and how much of two is the same."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from pathlib import Path

from obskit.ascode.definition import Problem, shown
from obskit.catalogue import all_signals
from obskit.catalogue._written import Filling, written_variant
from obskit.settings import LabelNames

#: The folders of runbooks: one page an alert, one page a cause.
FOLDERS = ("alerts", "causes")
#: What every page has, in this order: a tired person finds the same four in the same place.
SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
#: Words that follow each other and make a passage: fewer are found in any two texts about one subject.
WORDS = 8
_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*(.*?)\s*")
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*")
_LINK = re.compile(r"\[([^\]]*)\]\(\s*([^)\s]+)[^)]*\)")
_CODE = re.compile(r"`[^`]*`")
_WORD = re.compile(r"[a-z0-9][a-z0-9_.%-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block.

    Attributes:
        info: What stands behind the fence: ``promql http_requests``.
        text: Its lines, without what they are indented by together.
        line: Of the fence, from 1.
        closed: Whether its end is there.
    """

    info: str
    text: str
    line: int
    closed: bool = True

    @property
    def language(self) -> str:
        """The first word of the info string."""
        return self.info.partition(" ")[0]

    @property
    def signal(self) -> str:
        """The signal that the info string names; "" for none."""
        return self.info.partition(" ")[2].strip()


@dataclass(frozen=True, kw_only=True)
class Runbook:
    """One page.

    Attributes:
        kind: The folder that it stands in: ``alerts`` or ``causes``.
        path: The file.
        text: What it holds.
    """

    kind: str
    path: Path
    text: str

    @property
    def name(self) -> str:
        """Of the alert or cause: the file's."""
        return self.path.stem

    @cached_property
    def _parts(self) -> tuple[tuple[Block, ...], tuple[tuple[int, str], ...]]:
        return _split(self.text)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Every fenced block, those in lists too."""
        return self._parts[0]

    @property
    def prose(self) -> tuple[tuple[int, str], ...]:
        """Every line outside of fenced blocks with its number."""
        return self._parts[1]

    @cached_property
    def headings(self) -> tuple[tuple[int, int, str], ...]:
        """``(line, depth, text)`` of each heading."""
        found = ((number, _HEADING.fullmatch(line.rstrip())) for number, line in self.prose)
        return tuple((number, len(match[1]), match[2]) for number, match in found if match)

    @cached_property
    def links(self) -> tuple[tuple[int, str], ...]:
        """``(line, target)`` of each link."""
        return tuple((n, target) for n, line in self.prose for _, target in _LINK.findall(_CODE.sub("", line)))

    @property
    def length(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())

    def body(self, section: str) -> str:
        """Return what stands in a section, code included; "" where there is none."""
        lines = self.text.splitlines()
        tops = [(number, text) for number, depth, text in self.headings if depth <= 2]
        for (number, text), (end, _) in zip(tops, [*tops[1:], (len(lines) + 1, "")], strict=True):
            if text == section:
                return "\n".join(lines[number : end - 1]).strip()
        return ""

    @cached_property
    def passages(self) -> Mapping[tuple[str, ...], int]:
        """Every `WORDS` words of its prose that follow each other, and the line that they begin in.

        Links are read as their words; code is left out, as commands may be the same in many pages.
        """
        found: dict[tuple[str, ...], int] = {}
        for paragraph in _paragraphs(self.prose):
            words = [(word, number) for number, line in paragraph for word in _words(line)]
            for at in range(len(words) - WORDS + 1):
                found.setdefault(tuple(word for word, _ in words[at : at + WORDS]), words[at][1])
        return found

    def problem(self, message: str, line: int = 0, hint: str = "") -> Problem:
        """Return a problem of this page."""
        named = self.name if self.kind == "alerts" else ""
        return Problem(check="", message=message, file=shown(self.path), line=line, panel=named, hint=hint)


def runbooks_in(folder: Path) -> tuple[Runbook, ...]:
    """Return every page of ``alerts/`` and ``causes/`` below a folder, by kind and name."""
    return tuple(
        Runbook(kind=kind, path=path, text=path.read_text(encoding="utf-8", errors="replace"))
        for kind in FOLDERS
        for path in sorted((folder / kind).glob("*.md"))
    )


@cache
def queries_of(signal: str) -> tuple[str, ...]:
    """Return how a signal's query may stand in a runbook: each variant, of the service ``SERVICE``.

    Raises:
        KeyError: There is no such signal.
    """
    filling = Filling(
        labels=LabelNames(),
        services='service="SERVICE"',
        scope="",
        names="SERVICE",
        selector='{service="SERVICE"}',
        rate="5m",
        log_rate="5m",
    )
    return tuple(written_variant(variant, filling) for variant in all_signals()[signal].variants)


def alike(pages: Sequence[Runbook], share: float) -> tuple[tuple[Runbook, Runbook, float, tuple[str, ...]], ...]:
    """Return the pairs of pages that say the same.

    Args:
        pages: All of them.
        share: Of the shorter page's passages; pairs that share more are returned.

    Returns:
        The two, the share of the shorter one's passages that stand in the other too, and the first of them.
    """
    homes: dict[tuple[str, ...], list[int]] = {}
    for number, page in enumerate(pages):
        for passage in page.passages:
            homes.setdefault(passage, []).append(number)
    common: dict[tuple[int, int], list[tuple[str, ...]]] = {}
    for passage, numbers in homes.items():
        for pair in combinations(numbers, 2):
            common.setdefault(pair, []).append(passage)
    found = []
    for (one, other), passages in sorted(common.items()):
        part = len(passages) / min(len(pages[one].passages), len(pages[other].passages))
        if part > share:
            found.append((pages[one], pages[other], part, min(passages, key=lambda p: (pages[one].passages[p], p))))
    return tuple(found)


def _split(text: str) -> tuple[tuple[Block, ...], tuple[tuple[int, str], ...]]:
    """Return the blocks and the other lines of a page; a block that is never closed runs to the end."""
    blocks: list[Block] = []
    prose: list[tuple[int, str]] = []
    fence, info, began = "", "", 0
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _FENCE.fullmatch(line)
        if not fence and match:
            fence, info, began, inside = match[1], match[2], number, []
        elif fence and match and match[1].startswith(fence) and not match[2]:
            blocks.append(Block(info=info, text=_dedented(inside), line=began))
            fence = ""
        elif fence:
            inside.append(line)
        else:
            prose.append((number, line))
    if fence:
        blocks.append(Block(info=info, text=_dedented(inside), line=began, closed=False))
    return tuple(blocks), tuple(prose)


def _dedented(lines: Iterable[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n").rstrip()


def _words(line: str) -> list[str]:
    return _WORD.findall(_CODE.sub(" ", _LINK.sub(r"\1", line)).lower())


def _paragraphs(prose: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Yield runs of lines that belong together: passages do not reach over a heading, a list's item or a block."""
    held: list[tuple[int, str]] = []
    for number, line in prose:
        begins = re.match(r"\s*(?:[-*+]|\d+\.|#+)\s", line)
        if held and (not line.strip() or begins or number != held[-1][0] + 1):
            yield held
            held = []
        if line.strip() and not line.lstrip().startswith("#"):
            held.append((number, line))
    if held:
        yield held
