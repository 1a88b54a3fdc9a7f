"""Alerts point at panels that are there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from obskit.ascode.check import Skipped, alert_panel_links, run
from obskit.ascode.definition import Problem
from tests.support.dashboard_model import case, good_model


def _alerts(tmp_path: Path, annotations: str, name: str = "shop.yml") -> list[Problem]:
    given = case(good_model(), tmp_path)
    text = f"groups:\n  - name: shop\n    rules:\n      - alert: Slow\n        expr: up\n        {annotations}\n"
    (given.alerts / name).write_text(text, encoding="utf-8")
    return list(run(given, ["alert-panel-links"]).problems)


@pytest.mark.parametrize(
    "annotations",
    [
        "annotations: {summary: It is slow}",
        "annotations: {__dashboardUid__: shop, __panelId__: '2'}",
        "annotations: {__dashboardUid__: shop, __panelId__: 2}",
        "annotations: {dashboard: shop}",
        'annotations: {dashboard_url: "https://g/d/detail/x?var-job={{ $labels.job }}&viewPanel=7"}',
        'annotations: {dashboard: "{{ $labels.dashboard }}"}',
        "labels: {a: b}",
        "annotations: [what]",
    ],
)
def test_an_alert_may_point_at_what_is_there(annotations: str, tmp_path: Path) -> None:
    """Grafana's annotations, a uid, or an address; or nothing at all."""
    assert _alerts(tmp_path, annotations) == []


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ("annotations: {__dashboardUid__: gone, __panelId__: '2'}", "the dashboard 'gone', which is not defined"),
        ("annotations: {__dashboardUid__: shop, __panelId__: '9'}", "panel 9 of 'shop', which has no such panel"),
        ("annotations: {__panelId__: '9'}", "has a __panelId__ and no __dashboardUid__"),
        ("annotations: {dashboard: gone}", "the dashboard 'gone', which is not defined"),
        ("annotations: {dashboard_url: 'https://g/d/shop?viewPanel=9'}", "panel 9 of 'shop'"),
        ("annotations: {dashboard_url: 'https://g/explore'}", "'https://g/explore', which names no dashboard"),
    ],
)
def test_an_alert_that_points_at_nothing_is_found_in_its_line(annotations: str, message: str, tmp_path: Path) -> None:
    """The problem names the rule file, the line of the alert and its name."""
    problems = _alerts(tmp_path, annotations, "deep.yaml")

    assert [("'Slow'" in p.message, message in p.message) for p in problems] == [(True, True)]
    assert [(Path(p.file).name, p.line) for p in problems] == [("deep.yaml", 4)]


def test_an_alert_may_point_at_a_dashboard_that_cannot_be_read(tmp_path: Path) -> None:
    """What is wrong is the definition, and that is told of it."""
    given = replace(case(good_model(), tmp_path), unread=("gone",))
    text = "groups: [{name: a, rules: [{alert: Slow, expr: up, annotations: {dashboard: gone}}]}]"
    (given.alerts / "shop.yml").write_text(text, encoding="utf-8")

    assert run(given, ["alert-panel-links"]).problems == ()


def test_a_rule_file_that_is_no_yaml_is_found_in_its_line(tmp_path: Path) -> None:
    """One broken file is a problem, and the others are read all the same."""
    (case(good_model(), tmp_path).alerts / "a.yml").write_bytes(b"\xff\xfe")

    problems = _alerts(tmp_path, "annotations: {dashboard: gone")

    assert [(Path(p.file).name, p.message[:24]) for p in problems] == [
        ("a.yml", "the file cannot be read:"),
        ("shop.yml", "the file is no YAML: exp"),
    ]
    assert problems[1].line == 7


def test_alerts_cannot_be_judged_without_alerts(tmp_path: Path) -> None:
    """A missing folder is said."""
    without = replace(case(good_model(), tmp_path), alerts=tmp_path / "none")

    with pytest.raises(Skipped, match="no folder"):
        list(alert_panel_links.problems(without))
