"""The runbooks of the causes: complete, of one shape, and with queries that at least parse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest

RUNBOOKS = Path(__file__).parents[1] / "runbooks" / "causes"

#: Ids are file names, scenario names and label values: this list is their one spelling.
CAUSE_IDS = (
    "access_denied", "bad_configuration", "bad_deployment", "cache_failure", "capacity_unavailable", "clock_skew",
    "cpu_saturation", "cpu_throttled", "database_unreachable", "db_connection_limit", "db_credentials_refused",
    "db_pool_exhausted", "dependency_down", "disk_full", "dns_failure", "file_descriptors_exhausted",
    "health_check_misconfigured", "image_pull_failed", "lock_contention", "memory_exhausted", "memory_leak",
    "messaging_failure", "network_unreachable", "node_pressure", "one_bad_task", "runtime_heap_exhausted",
    "runtime_pause", "scaling_at_maximum", "slow_dependency", "slow_queries", "telemetry_blind", "throttled",
    "tls_failure", "traffic_surge", "worker_saturation",
)  # fmt: skip
ALL_IDS = sorted({*CAUSE_IDS, *(path.stem for path in RUNBOOKS.glob("*.md"))})

HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
LANGUAGES = {"sql", "sh", "logql", "promql"}
_LINK = re.compile(r"\]\(([^)\s]+)\)")

each_runbook = pytest.mark.parametrize("cause", ALL_IDS)


def _text(cause: str) -> str:
    path = RUNBOOKS / f"{cause}.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield (language, content) of every fenced block, indented ones too; an unclosed one runs to the end."""
    language: str | None = None
    lines: list[str] = []
    for line in text.splitlines():
        bare = line.strip()
        if language is not None and bare != "```":
            lines.append(bare)
        elif language is not None:
            yield language, "\n".join(lines)
            language, lines = None, []
        elif bare.startswith("```"):
            language = bare[3:]
    if language is not None:
        yield "never closed", "\n".join(lines)


def _prose(text: str) -> str:
    """Return the text without its fenced blocks: a comment in a shell block is no heading."""
    return re.sub(r"(?ms)^[ ]*```\w*$.*?^[ ]*```$", "", text)


def _sections(text: str) -> dict[str, str]:
    """Return the body of every ``##`` section, code included, in order."""
    parts = re.split(r"(?m)^## +(.+)$", text)
    return dict(zip(parts[1::2], (body.strip() for body in parts[2::2]), strict=True))


def _parses(query: str) -> str:
    """Return what the parser objects to, or ""."""
    try:
        promql_parser.parse(query)
    except ValueError as error:
        return str(error)
    return ""


@each_runbook
def test_every_cause_has_a_runbook_and_every_runbook_a_cause(cause: str) -> None:
    """A cause that nobody can act on is not done; a runbook that nothing names is lost."""
    assert cause in CAUSE_IDS
    assert (RUNBOOKS / f"{cause}.md").is_file()


@each_runbook
def test_a_runbook_has_a_title_and_the_four_headings_in_order(cause: str) -> None:
    """A tired person finds the same four sections in the same place, everywhere."""
    text = _text(cause)
    headings = re.findall(r"(?m)^#+ +(.+)$", _prose(text))

    assert re.match(r"# \S.+\n", text), "the first line is the title"
    assert headings[1:] == HEADINGS
    assert list(_sections(text)) == HEADINGS


@each_runbook
def test_no_section_is_empty_and_the_page_stays_a_page(cause: str) -> None:
    """A heading without advice is worse than none; what does not fit 80 lines is not read at night."""
    text = _text(cause)
    empty = [name for name, body in _sections(text).items() if len(body) < 40]

    assert empty == []
    assert 35 <= len(text.splitlines()) <= 80


@each_runbook
def test_diagnosis_is_numbered_checks_that_can_be_copied(cause: str) -> None:
    """Three to six checks, numbered without a hole, each with a command or a query."""
    checks = re.split(r"(?m)^(\d+)\. ", _sections(_text(cause))["Diagnosis"])
    numbers, bodies = checks[1::2], checks[2::2]

    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert 3 <= len(numbers) <= 6
    assert [n for n, body in zip(numbers, bodies, strict=True) if not list(_blocks(body))] == []


@each_runbook
def test_mitigation_says_first_what_to_do_now_then_what_cures(cause: str) -> None:
    """First it stops hurting, with a command and what it risks; then two to four things for good."""
    now, _, for_good = _sections(_text(cause))["Mitigation"].partition("**For good**")

    assert now.startswith("**Now**")
    assert list(_blocks(now))
    assert "isk" in now, "says what the remedy risks"
    assert 2 <= len(re.findall(r"(?m)^- ", for_good)) <= 4


@each_runbook
def test_blocks_are_of_a_known_language_and_not_empty(cause: str) -> None:
    """A block is SQL, shell, LogQL or PromQL; anything else cannot be pasted anywhere."""
    blocks = list(_blocks(_text(cause)))

    assert {language for language, _ in blocks} <= LANGUAGES
    assert [language for language, content in blocks if not content.strip()] == []


@each_runbook
def test_every_promql_block_parses(cause: str) -> None:
    """A query that Prometheus refuses at 03:12 costs more than no query."""
    queries = [content for language, content in _blocks(_text(cause)) if language == "promql"]

    assert {query: said for query in queries if (said := _parses(query))} == {}


@each_runbook
def test_links_lead_to_runbooks_that_exist(cause: str) -> None:
    """Causes bring each other about: the links between their pages are relative, and none is dead or leads home."""
    targets = _LINK.findall(_prose(_text(cause)))

    assert targets, "no cause stands alone"
    assert [target for target in targets if not (RUNBOOKS / target).is_file()] == []
    assert f"{cause}.md" not in targets


def test_the_checks_of_this_file_notice_what_is_wrong() -> None:
    """An unclosed block, a foreign language, a broken query and an empty section are seen."""
    text = "# T\n\n## Meaning\n\n## Impact\n\n   ```promql\n   sum(rate(a[5m])\n   ```\n\n```python\nx\n"

    assert [language for language, _ in _blocks(text)] == ["promql", "never closed"]
    assert _parses("sum(rate(a[5m])") != ""
    assert _parses("sum(rate(a[5m]))") == ""
    assert _sections(text)["Meaning"] == ""
