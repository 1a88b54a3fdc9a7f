"""All that people do to a stack past obskit: at least one thing for each kind that can be mended."""

from __future__ import annotations

from typing import Final

from tests.support.drift import Hand, calls, of
from tests.support.drift_compute import ACCESS, COMPUTE, another_definition
from tests.support.drift_data import DATA, QUEUE, TELEMETRY
from tests.support.drift_entry import ENTRY
from tests.support.drift_network import NETWORK

EVERY: Final = (*NETWORK, *ENTRY, *COMPUTE, *ACCESS, *DATA, *TELEMETRY)
#: What is more than one step: (what, by hand, steps).
WIDER: Final[tuple[tuple[str, Hand, tuple[tuple[str, str], ...]], ...]] = (
    (
        "a larger task definition runs",
        another_definition,
        (("change", "task_definition.loki"), ("change", "service.loki")),
    ),
    (
        "a secret on its way out",
        calls("secretsmanager", "delete_secret", SecretId="shop/grafana-key", RecoveryWindowInDays=7),
        (("create", "secret.grafana-key"), ("change", "task_definition.grafana"), ("change", "service.grafana")),
    ),
    (
        "a NAT gateway deleted",
        calls("ec2", "delete_nat_gateway", NatGatewayId=of("nat_gateway.nat-1")),
        (
            ("create", "nat_gateway.nat-1"),
            ("change", "route_table.private-1"),
            ("change", "route_table.private-2"),
        ),
    ),
    (
        "a service deleted",
        calls("ecs", "delete_service", cluster="shop", service="demo-app", force=True),
        (
            ("create", "service.demo-app"),
            ("create", "scaling_target.demo-app"),
            ("create", "scaling_policy.demo-app-cpu"),
            ("create", "scaling_policy.demo-app-memory"),
        ),
    ),
    (
        "a target group's health check and the listener before it",
        lambda stack: [
            drift.hand(stack) for drift in ENTRY if drift.address in ("listener.https", "listener_rule.grafana")
        ],
        (("change", "listener.https"), ("change", "listener_rule.grafana")),
    ),
    (
        "the queue of events deleted",
        calls("sqs", "delete_queue", QueueUrl=QUEUE),
        (("create", "queue.events"), ("change", "event_rule.ecs")),
    ),
    (
        "the rule of events deleted",
        lambda stack: [
            stack.by_hand("events", "remove_targets", Rule="shop-ecs", Ids=["queue", "log-group"]),
            stack.by_hand("events", "delete_rule", Name="shop-ecs"),
        ],
        (("create", "event_rule.ecs"),),
    ),
)
