"""All the evidence of one incident -> services and series, most suspect first.

Evidence is in nats, logarithms of deviations, and adds up. The largest move of each kind speaks for its
service; kinds of one part are added as right angles, so that ten columns of one fault are not ten faults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from obskit.incident.blame.effects import Effects, effects
from obskit.incident.blame.rollouts import Rollout, rollouts
from obskit.incident.blame.scene import PARTS, Account, Floats, Ints, Ranking, Scene
from obskit.incident.blame.spread import behind, blamed_by_alert, edges, unexplained, withheld
from obskit.incident.blame.waits import waits
from obskit.incident.blame.wording import Wording, wording
from obskit.model import Metrics, Part, Series, nanoseconds, utc

#: Which direction of a kind hurts: 1 up, -1 down; of the others, either may.
_BAD: Final[Mapping[str, int]] = MappingProxyType(
    {"errors": 1, "success": -1, "latency": 1, "saturation": 1, "cpu": 1, "memory": 1, "disk": 1, "network": 1}
)
#: What a move in the other direction still counts, as a share: a victim gets less work, and so may a culprit.
#: Fewer errors and less latency are no trouble at all.
_RELIEF: Final = 0.3
_NO_RELIEF: Final = ("errors", "success", "latency")
#: Load is rather passed on than caused: it counts by half.
_LOAD: Final = ("traffic", "network", "disk")
_LOAD_SHARE: Final = 0.5
#: Which part each kind belongs to; traffic, network and what has no known kind are ``other``.
_PART_OF: Final[Mapping[str, Part]] = MappingProxyType(
    {
        "errors": "errors",
        "success": "errors",
        "latency": "latency",
        "saturation": "resources",
        "cpu": "resources",
        "memory": "resources",
        "disk": "resources",
    }
)
#: Kinds that only a task which answers requests has.
_SERVED: Final = ("success", "errors", "latency", "traffic")
#: What each part weighs: double what singles a service out. A column moves with the load or by chance, and
#: with it others; a new error text, a bad new task and the alert's path point at one or two services.
WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "resources": 1.0,
        "latency": 1.0,
        "errors": 1.0,
        "other": 1.0,
        "withheld": 1.0,
        "waits": 2.0,
        "logs": 2.0,
        "change": 2.0,
        "path": 2.0,
    }
)
#: What a column gains from its service's score, as a share.
_OF_SERVICE: Final = 0.1
#: Most series that a suspect names, and most suspects that name any: a person reads a few of the first.
_MOST_SERIES, _MOST_NAMING = 5, 50


def part_of(kind: str) -> Part:
    """Return the part of an account that columns of a kind belong to."""
    return _PART_OF.get(kind, "other")


def hurts(kind: str) -> int:
    """Return which direction of a kind hurts: 1 up, -1 down, 0 either."""
    return _BAD.get(kind, 0)


def rank_suspects(scene: Scene, *, weights: Mapping[str, float] | Mapping[Part, float] = WEIGHTS) -> Ranking:
    """Rank services and series by how likely they are to blame.

    Args:
        scene: What is known.
        weights: What each part weighs (see `PARTS`); a part that is left out weighs nothing.

    Returns:
        Every service that a column, a log line or a change names. The same scene gives the same ranking,
        whatever the order of its columns.

    Raises:
        ValueError: The times of the matrix do not ascend. They are not sorted here: who mixed them up may have
            mixed up the rows as well.
    """
    metrics, noticed = scene.metrics, nanoseconds(scene.noticed)
    times = _ascending(metrics)
    kinds = np.array(scene.kinds, dtype=str)
    bad = np.array(scene.bad or [hurts(kind) for kind in scene.kinds], np.int64)
    moved = effects(
        metrics,
        noticed_ns=noticed,
        families=[s.signal for s in metrics.series],
        rare=np.isin(kinds, ("errors", "success")),
        success=kinds == "success",
    )
    onset = int(times[moved.row]) if moved.row < len(times) else noticed
    own = _weighed(moved, kinds, bad)
    whom = blamed(metrics.series, scene.calls)
    news = wording(scene.logs, noticed_ns=noticed)
    waited = waits(scene.lines, scene.calls, noticed_ns=noticed)
    changes = rollouts(
        metrics,
        scene.events,
        onset_ns=onset,
        bad=bad.tolist(),
        served=np.isin(kinds, _SERVED).tolist(),
    )
    services = sorted({*whom, *news.news, *waited, *changes} - {""})
    index = {name: i for i, name in enumerate(services)}
    owner = np.array([index.get(name, -1) for name in whom], np.int64)
    fallen = np.where((kinds == "traffic") & (moved.moved < 0), moved.evidence, 0.0)
    parts = _parts(services, own, kinds, owner, news, scene)
    parts["change"] = _changed(services, changes, metrics.series, own, owner, news)
    parts["withheld"] = withheld(_strongest(fallen, owner, len(services)), edges(services, scene.calls))
    parts["waits"] = np.array([waited[name].evidence if name in waited else 0.0 for name in services])
    account = np.array([weights.get(part, 0.0) * parts[part] for part in PARTS]).T.reshape(len(services), len(PARTS))
    columns = _columns(metrics, own, owner, account.sum(axis=1))
    return Ranking(
        suspects=_suspects(services, account, owner, own, columns, metrics, news, changes),
        columns=columns,
        scores=own,
        moved=moved.moved.astype(np.float64),
        cuts=moved.cut,
        onset=utc(onset),
        news=news,
        waits=waited,
        changes=changes,
        weights=weights,
    )


def _ascending(metrics: Metrics) -> Ints:
    """Return the times as nanoseconds, or say where they do not ascend."""
    steps = np.diff(metrics.times)
    wrong = np.flatnonzero(~(steps >= np.timedelta64(0)))  # a step from or to "no time" is wrong as well
    if len(wrong):
        at = int(wrong[0])
        before, after = (np.datetime_as_string(metrics.times[i], "s") for i in (at, at + 1))
        raise ValueError(
            f"the times of the metrics do not ascend: point {at + 1} is of {after}, point {at} of {before}, both UTC"
            " (sort the times and, with them, the rows of the values)"
        )
    return metrics.times.astype("datetime64[ns]").astype(np.int64)


def _weighed(moved: Effects, kinds: npt.NDArray[np.str_], bad: Ints) -> Floats:
    """Return each column's evidence, less for moves that relieve and for load.

    Rounded: what differs by less is single precision's noise, and must not order two columns.
    """
    relief = np.where(np.isin(kinds, _NO_RELIEF), 0.0, _RELIEF)
    weight = np.where(moved.moved * bad < 0, relief, 1.0) * np.where(np.isin(kinds, _LOAD), _LOAD_SHARE, 1.0)
    weighed: Floats = np.round(moved.evidence * weight, 4)
    return weighed


def blamed(series: Sequence[Series], calls: Sequence[tuple[str, str]]) -> list[str]:
    """Return whom each column speaks against: of a column about a call, the callee, whoever measured it."""
    known = set(calls)
    return [
        next((value for _, value in s.labels if (s.service, value) in known), s.service) if s.labels else s.service
        for s in series
    ]


def _strongest(evidence: Floats, owner: Ints, services: int) -> Floats:
    """Return the largest evidence among each service's columns; shape (services,)."""
    rows = np.flatnonzero((evidence > 0) & (owner >= 0))
    strongest = np.zeros(services)
    np.maximum.at(strongest, owner[rows], evidence[rows])
    return strongest


def _parts(
    services: Sequence[str],
    own: Floats,
    kinds: npt.NDArray[np.str_],
    owner: Ints,
    news: Wording,
    scene: Scene,
) -> dict[Part, Floats]:
    """Return what each kind of evidence says of each service; shape (S,) each."""
    parts: dict[Part, Floats] = {name: np.zeros(len(services)) for name in PARTS}
    for kind in sorted(set(kinds.tolist())):
        part = part_of(kind)
        strongest = _strongest(np.where(kinds == kind, own, 0.0), owner, len(services))
        parts[part] = np.hypot(parts[part], strongest)
    said = np.array([news.evidence(name) for name in services])
    symptoms = np.maximum(np.maximum(parts["latency"], parts["errors"]), said)
    calls = behind(edges(services, scene.calls), np.isin(services, list(scene.forwarding)))
    if scene.alert and scene.alert.service in services:
        followed = part_of(scene.alert.kind)
        evidence = parts[followed] if followed in ("latency", "errors") else symptoms
        parts["path"] = blamed_by_alert(services.index(scene.alert.service), evidence, calls)
    parts["latency"] = unexplained(parts["latency"], parts["latency"], calls)
    # Latency explains latency; a callee's errors and lines explain both of its caller's.
    failing = np.maximum(parts["errors"], said)
    parts["errors"] = unexplained(parts["errors"], failing, calls)
    parts["logs"] = unexplained(said, failing, calls)
    return parts


def _changed(
    services: Sequence[str],
    changes: Mapping[str, Rollout],
    series: Sequence[Series],
    own: Floats,
    owner: Ints,
    news: Wording,
) -> Floats:
    """Return what each service's change counts: no more than what the service shows, where it shows anything.

    A new task that differs from its elders is no incident as long as its service does as before.
    """
    whole = np.array([not s.task for s in series], bool)
    shown = _strongest(own, owner, len(services))
    seen = set(owner[whole].tolist())
    change = np.zeros(len(services))
    for i, name in enumerate(services):
        if name in changes:
            symptom = max(float(shown[i]), news.evidence(name)) if i in seen else np.inf
            change[i] = changes[name].evidence_within(symptom)
    return change


def _columns(metrics: Metrics, own: Floats, owner: Ints, score: Floats) -> Ints:
    """Return the positions of all columns, most telling first; equal ones by what they are, not where."""
    of_service = np.where((owner >= 0) & (own > 0), np.append(score, 0.0)[owner], 0.0)
    total = (-(own + _OF_SERVICE * of_service)).tolist()
    keys = [(t, s.signal, s.service, s.task, s.labels) for t, s in zip(total, metrics.series, strict=True)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def _suspects(
    services: Sequence[str],
    account: Floats,
    owner: Ints,
    own: Floats,
    columns: Ints,
    metrics: Metrics,
    news: Wording,
    changes: Mapping[str, Rollout],
) -> tuple[Account, ...]:
    """Return the services with their accounts, highest sum first."""
    score, logs = account.sum(axis=1).tolist(), PARTS.index("logs")
    order = sorted(range(len(services)), key=lambda i: (-score[i], services[i]))
    telling: dict[int, list[str]] = {at: [] for at in order[:_MOST_NAMING]}
    for i in columns[np.isin(owner[columns], list(telling)) & (own[columns] > 0)].tolist():
        if len(telling[int(owner[i])]) < _MOST_SERIES:
            telling[int(owner[i])].append(metrics.series[i].name)
    made = []
    for at in order:
        name = services[at]
        lines = [news.news[name].template] if account[at, logs] > 0 else []
        own_series = telling.get(at, [])
        series = [*lines, *own_series] if account[at, logs] == account[at].max() else [*own_series, *lines]
        made.append(
            Account(
                service=name,
                score=score[at],
                parts={part: v for part, v in zip(PARTS, account[at].tolist(), strict=True) if v > 0},
                series=tuple(series[:_MOST_SERIES]),
                task=changes[name].task if name in changes else "",
            )
        )
    return tuple(made)
