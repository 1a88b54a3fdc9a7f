"""Every link of a dashboard: its own, its panels', their data links, and those in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from obskit.ascode.check._shape import listed, mapping
from obskit.ascode.definition import Definition, Model, Problem, Severity

_MARKDOWN = re.compile(r"\[([^\]]*)\]\(\s*([^)\s]+)[^)]*\)")
_TO_DASHBOARD = re.compile(r"(?:^|/)d/([^/?#]+)")
_PANEL = re.compile(r"[?&](?:viewPanel|panelId|editPanel)=(?:panel-)?(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link.

    Attributes:
        title: Its words.
        url: Where it leads, Grafana's variables unfilled.
        panel: The panel that has it; None when it is the dashboard's.
    """

    title: str
    url: str
    panel: Model | None = None

    def __str__(self) -> str:
        return f"link {self.title!r}" if self.title else f"link {self.url!r}"

    @property
    def dashboard(self) -> str:
        """The uid of the dashboard that it leads to; "" when to none, or one that a variable names."""
        return dashboard_in(self.url)

    def problem(self, definition: Definition, message: str, hint: str = "", severity: Severity = "error") -> Problem:
        """Return a problem of this link."""
        named = definition.line_of(self.url, self.title, *definition.names_of(self.panel))
        return definition.problem(f"{self}: {message}", panel=self.panel, line=named, hint=hint, severity=severity)


def dashboard_in(url: str) -> str:
    """Return the uid in a dashboard's URL, or ""."""
    found = _TO_DASHBOARD.search(url.partition("?")[0])
    return found.group(1) if found and "$" not in found.group(1) else ""


def panel_in(url: str) -> int:
    """Return the panel id that a dashboard's URL shows alone, or 0."""
    found = _PANEL.search(url)
    return int(found.group(1)) if found else 0


def links(definition: Definition) -> Iterator[Link]:
    """Yield every link of a dashboard that has an address."""
    for found in listed(definition.model.get("links")):
        if found.get("type") != "dashboards":
            yield Link(title=str(found.get("title") or ""), url=str(found.get("url") or ""))
    for panel in definition.panels:
        for found in _of_panel(panel):
            yield Link(title=str(found.get("title") or ""), url=str(found.get("url") or ""), panel=panel)
        for text in (panel.get("description"), mapping(panel, "options").get("content")):
            for title, url in _MARKDOWN.findall(str(text or "")):
                yield Link(title=title, url=url, panel=panel)


def _of_panel(panel: Model) -> Iterator[Model]:
    yield from listed(panel.get("links"))
    yield from listed(mapping(panel, "fieldConfig", "defaults").get("links"))
    yield from listed(mapping(panel, "options").get("dataLinks"))
    for override in listed(mapping(panel, "fieldConfig").get("overrides")):
        for changed in listed(override.get("properties")):
            if changed.get("id") == "links":
                yield from listed(changed.get("value"))
