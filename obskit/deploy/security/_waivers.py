"""What obskit itself waives: design decisions that no key of the stack's file changes, each with its reason."""

from __future__ import annotations

from typing import Final

from obskit.deploy.spec import Waiver

_KEYS: Final = (
    "encrypted with a key that AWS manages; a key of the customer costs 1 USD a month and needs a policy that "
    "only the customer can decide on"
)
_ROTATION: Final = (
    "tasks read a secret when they start, so that a rotation without a deployment would lock them out; obskit "
    "rotates none: whoever does puts a new value into the secret, sets it in what the secret opens (a password of "
    "the database, the administrator of Grafana) and restarts the services that read it"
)
_WAF: Final = (
    "rules of a web ACL depend on the application and cost by request; associate one with the load "
    "balancer, obskit leaves it alone"
)
_MONITORING: Final = (
    "Performance Insights and CloudWatch tell what the dashboards need; Enhanced Monitoring costs log volume "
    "and a role of its own"
)
_IAM_LOGIN: Final = (
    "Grafana and most drivers cannot renew IAM tokens, which end after 15 minutes; passwords are in Secrets Manager"
)
_INNER_HTTP: Final = (
    "TLS ends at the load balancer; behind it, requests stay in private subnets and security groups let only "
    "the load balancer in"
)
_WRITTEN_ONCE: Final = (
    "each object is written once; old versions would only keep what was deleted on purpose when its time was over"
)
_REDIRECT: Final = "port 80 answers with nothing but a redirect to HTTPS"
_ROUTER: Final = "the FireLens router reads the socket that Fargate gives to root alone, and writes its configuration"
_BEFORE: Final = "runs before the program, makes its volumes writable for the program's user, and ends"

DEFAULT_WAIVERS: Final = (
    *(Waiver(id=number, reason=_KEYS) for number in ("CKV_AWS_136", "CKV_AWS_145", "CKV_AWS_149", "CKV_AWS_158")),
    Waiver(id="CKV_AWS_354", reason=_KEYS),
    *(Waiver(id=number, reason=_ROTATION) for number in ("CKV_AWS_304", "CKV2_AWS_57", "SecretsManager.1")),
    *(Waiver(id=number, reason=_WAF) for number in ("CKV2_AWS_28", "CKV2_AWS_76", "ELB.16")),
    *(Waiver(id=number, reason=_MONITORING) for number in ("CKV_AWS_118", "RDS.6")),
    *(Waiver(id=number, reason=_IAM_LOGIN) for number in ("CKV_AWS_161", "RDS.10")),
    Waiver(id="CKV_AWS_378", reason=_INNER_HTTP, resource="target_group.*"),
    *(Waiver(id="CKV_AWS_21", reason=_WRITTEN_ONCE, resource=f"bucket.{name}") for name in ("logs", "loki")),
    Waiver(id="CKV_AWS_260", reason=_REDIRECT, resource="security_group_rules.alb"),
    *(
        Waiver(id=number, reason=_ROUTER, resource="task_definition.*.containers.router")
        for number in ("ECS.5", "ECS.20", "CKV_AWS_336")
    ),
    *(
        Waiver(id="ECS.20", reason=_BEFORE, resource=f"task_definition.*.containers.{name}")
        for name in ("files", "tmp")
    ),
)
