"""Brings a dashboard together with data: from live servers, or from a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from obskit.ascode.choose import builtin, chosen, interval_of
from obskit.ascode.definition import Definition, Model, Query
from obskit.ascode.interpolate import interpolate
from obskit.ascode.preview.data import MOST_LINES, Frame, Line, PanelData, PreviewAsk, PreviewData, Sent, State, Value
from obskit.ascode.preview.look import legend
from obskit.errors import ObskitError, UsageError
from obskit.model import Window

if TYPE_CHECKING:
    from obskit.ascode.preview.live import Answer, Live, Question


def collect(definition: Definition, ask: PreviewAsk) -> PreviewData:
    """Return what each panel of a dashboard shows.

    A query that is refused or late is its panel's, with the server's words; the others come.

    Args:
        definition: The dashboard.
        ask: Where from, and for when.

    Raises:
        UsageError: There is neither a Prometheus nor a Loki nor a recording, a live server is
            asked without a window, the window is empty, or a variable is given that the dashboard does not have.
        SettingsError: A connection's certificates, headers or token cannot be used.
    """
    if ask.window is not None and ask.window.end <= ask.window.start:
        raise UsageError(f"the window {ask.window} ends before it begins", hint="exchange its ends")
    if ask.recording is not None:
        from obskit.ascode.preview.recorded import from_recording

        return from_recording(definition, ask, ask.recording)
    if ask.window is None:
        raise UsageError("a live preview needs a window", hint="say how far back: --since 1h")
    if not (ask.prometheus.url or ask.loki.url):
        raise UsageError(
            "there is nobody to ask for data", hint="name a Prometheus: --prometheus URL, or a recording: --bundle FILE"
        )
    return _live(definition, ask, ask.window)


def _live(definition: Definition, ask: PreviewAsk, window: Window) -> PreviewData:
    from obskit.ascode.preview.live import Live

    live = Live(ask)
    labels_of = (lambda of, label: live.label_values(of, label, window)) if live.can("PromQL") else None
    values = chosen(definition, ask.variables, labels_of)
    plan = _Plan(definition=definition, ask=ask, window=window, values=values, live=live)
    plans = [(panel, plan.targets(panel)) for panel in definition.panels]
    questions = dict.fromkeys(wanted for _, targets in plans for _, wanted in targets if not isinstance(wanted, Sent))
    answers = live.answers(tuple(questions), ask.progress)
    return PreviewData(
        panels=tuple(_panel(panel, targets, answers, values) for panel, targets in plans),
        window=window,
        source=live.source,
        values=values,
    )


#: A target, and its question or why there is none.
_Planned = tuple[Model, "Question | Sent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What to ask for each panel."""

    definition: Definition
    ask: PreviewAsk
    window: Window
    values: Mapping[str, Value]
    live: Live

    def targets(self, panel: Model) -> list[_Planned]:
        """Return the panel's visible targets, each with its question."""
        queries = [q for q in self.definition.queries if q.role == "panel" and q.owner is panel]
        # The same targets in the same order as those that made the queries.
        targets = [t for t in panel.get("targets") or () if isinstance(t, dict) and t.get("expr")]
        pairs = zip(targets, queries, strict=True)
        return [(target, self._wanted(panel, target, query)) for target, query in pairs if not target.get("hide")]

    def _wanted(self, panel: Model, target: Model, query: Query) -> Question | Sent:
        from obskit.ascode.preview.live import question

        sent = Sent(ref=query.ref, language=query.language, text=query.text)
        if not query.language:
            return replace(sent, said="its data source is neither Prometheus nor Loki", outcome="not_asked")
        if not self.live.can(query.language):
            name = "Loki" if query.language == "LogQL" else "Prometheus"
            return replace(sent, said=f"{name} was not asked", outcome="not_asked")
        scrape = self.ask.scrape_seconds
        interval = interval_of(panel, target, self.window, scrape=scrape, width=self.ask.width)
        try:
            text = interpolate(query.text, {**self.values, **builtin(self.window, interval, scrape)})
        except UsageError as error:
            return replace(sent, said=_words(error), outcome="failed")
        instant = query.language == "PromQL" and bool(target.get("instant")) and not target.get("range")
        return question(query.language, text, self.window, interval, instant=instant)


def _panel(
    panel: Model,
    targets: list[_Planned],
    answers: Mapping[Question, Answer | ObskitError],
    values: Mapping[str, Value],
) -> PanelData:
    """Put the answers to one panel's targets together."""
    frames: list[Frame] = []
    lines: list[Line] = []
    sent: list[Sent] = []
    for target, wanted in targets:
        if isinstance(wanted, Sent):
            sent.append(wanted)
            continue
        answer = answers[wanted]
        asked = Sent(ref=str(target.get("refId") or ""), language=wanted.language, text=wanted.text)
        if isinstance(answer, ObskitError):
            sent.append(replace(asked, said=_words(answer), outcome="failed"))
            continue
        sent.append(replace(asked, said=answer.said))
        lines += answer.lines
        if (frame := _frame(target, answer, values)) is not None:
            frames.append(frame)
    state, why = _state(sent, shown=bool(frames or lines))
    return PanelData(
        panel=panel,
        state=state,
        why=why,
        frames=tuple(frames),
        lines=tuple(sorted(lines, key=lambda line: -line.time_ns))[:MOST_LINES],
        sent=tuple(sent),
        notes=tuple(f"{s.ref}: {s.said}" for s in sent if s.said) if state in ("data", "empty") else (),
    )


def _state(sent: list[Sent], *, shown: bool) -> tuple[State, str]:
    """Return the state of a panel, and in a few words why it has nothing to show."""
    if shown:
        return "data", ""
    if not sent:
        return "plain", ""
    failed = [s.said for s in sent if s.outcome == "failed"]
    if failed:
        return "failed", failed[0]
    if all(s.outcome == "not_asked" for s in sent):
        return "not_asked", sent[0].said
    return "empty", "no data"


def _frame(target: Model, answer: Answer, values: Mapping[str, Value]) -> Frame | None:
    """Return the columns that hold a number, named as the legend says."""
    keep: Any = np.flatnonzero(np.isfinite(answer.values).any(axis=0)) if answer.labels else []
    labels = [answer.labels[i] for i in keep]
    if not labels:
        return None
    # A server's order is its own affair: sorted by labels, the same data draws the same page.
    order = sorted(range(len(labels)), key=lambda i: sorted(labels[i].items()))
    labels = [labels[i] for i in order]
    form = str(target.get("legendFormat") or "")
    return Frame(
        times=answer.times,
        values=answer.values[:, keep][:, order],
        names=tuple(legend(form, ls, values) or _series_name(ls) for ls in labels),
        labels=tuple(labels),
    )


def _series_name(labels: Mapping[str, str]) -> str:
    """Return a series as Prometheus writes it, which is Grafana's legend where none is set."""
    inside = ", ".join(f'{name}="{text}"' for name, text in sorted(labels.items()) if name != "__name__")
    return labels.get("__name__", "") + (f"{{{inside}}}" if inside else "") or "value"


def _words(error: ObskitError) -> str:
    said = error.where.get("said") or error.where.get("value") or ""
    return f"{error.what}: {said}" if said else error.what
