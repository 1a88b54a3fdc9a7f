"""Along the calls: who explains whose symptoms, and where an alert leads."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.blame.scene import Alert
from obskit.model import Labels, Series
from tests.support.blame import AT, POINTS, matrix_of, scene, scene_of, services

CHAIN = (("web", "latency", 8.0), ("cart", "latency", 8.0), ("stock", "latency", 8.0), ("mail", "latency", 9.0))
CALLS = (("web", "cart"), ("cart", "stock"), ("web", "mail"))


def test_a_callee_explains_its_callers() -> None:
    """Of a chain that became slow together, the last link is to blame, with the alert or without."""
    calm = (*CHAIN[:3], ("mail", "latency", 0.0))
    for alert in (None, Alert(service="web", metric="latency", kind="latency")):
        found = rank_suspects(replace(scene(*calm), calls=CALLS, alert=alert))

        assert services(found)[0] == "stock"


def test_the_alert_leads_to_what_its_service_calls() -> None:
    """A larger move beside the alert's path is not what was alerted to."""
    given_ = replace(scene(*CHAIN), calls=CALLS[:2])
    alone = rank_suspects(given_)
    followed = rank_suspects(replace(given_, alert=Alert(service="web", kind="latency")))

    assert "path" not in alone.suspects[0].parts
    assert services(followed)[0] == "stock"
    assert followed.suspects[0].parts["path"] > followed.suspects[-1].parts.get("path", 0.0)


def test_calls_in_a_circle_end() -> None:
    """Services that call each other are no reason to hang or to lose the walk."""
    found = rank_suspects(
        replace(scene(*CHAIN[:3]), calls=(*CALLS, ("stock", "web")), alert=Alert(service="web", kind="latency"))
    )

    assert sum(s.parts["path"] for s in found.suspects) == pytest.approx(2.0)


def test_a_balancer_is_a_way_and_no_end() -> None:
    """Where traces end at a balancer, the service beside it that moved as well is to blame."""
    columns = (("web", "latency", 5.0), ("public-lb", "latency", 14.0), ("cart", "latency", 9.0))
    given_ = replace(
        scene(*columns), calls=(("web", "public-lb"), ("web", "cart")), alert=Alert(service="web", kind="latency")
    )

    assert services(rank_suspects(given_))[0] == "public-lb"
    assert services(rank_suspects(replace(given_, forwarding=("public-lb",))))[0] == "cart"


def test_latency_that_the_caller_measured_blames_the_callee() -> None:
    """A column about a call speaks against whom was called."""
    peer: Labels = (("server_address", "pay"),)
    series = (
        Series(signal="client_latency", unit="seconds", service="web", labels=peer),
        Series(signal="latency", unit="seconds", service="web"),
        Series(signal="latency", unit="seconds", service="pay"),
    )
    values = matrix_of([("", "", 20.0), ("", "", 5.0), ("", "", 0.0)])
    found = rank_suspects(replace(scene_of(values, series), calls=(("web", "pay"),)))

    assert services(found)[0] == "pay"


def test_who_no_longer_passes_requests_on_is_to_blame() -> None:
    """What it calls is asked less while it is asked as before; who is asked less itself withholds nothing."""
    columns = (("web", "requests", 0.0), ("cart", "requests", -7.0), ("mail", "requests", -7.0), ("ad", "cpu", 1.0))
    fewer = (("web", "requests", -7.0), *columns[1:])
    told = [rank_suspects(replace(scene(*c), calls=(("web", "cart"), ("web", "mail")))) for c in (columns, fewer)]
    withheld = [next(s.parts.get("withheld", 0.0) for s in found.suspects if s.service == "web") for found in told]

    assert services(told[0])[0] == "web"
    assert withheld[1] < 0.1 * withheld[0]


def test_callers_beyond_a_square_matrix_are_followed() -> None:
    """Forty thousand services, of which a square matrix would take gigabytes: the end of the chain is to blame."""
    count = 40_000
    names = [f"s{i:05d}" for i in range(count)]
    values = np.full((POINTS, count), 10.0)
    values[AT:, :3] += 20.0
    series = [Series(signal="latency", unit="count", service=name) for name in names]
    found = rank_suspects(replace(scene_of(values, series), calls=tuple(pairwise(names))))

    assert services(found)[0] == names[2]
