"""What the roles of a stack may do, and no more. Pure.

What is the stack's own is named by its path, however many services there are: IAM takes 10,240 letters a role.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from obskit.deploy.containers._images import CACHES
from obskit.deploy.image_names import EcrRegistry, ecr_registry, parsed
from obskit.deploy.resource import Fields, Join, Place, Ref, Value
from obskit.deploy.resources._iam import allow, policy
from obskit.deploy.resources._names import (
    events_group,
    flow_group,
    queue_name,
    repository_name,
    role_path,
    secret_name,
    service_group,
)
from obskit.deploy.services import FargateService, Text
from obskit.deploy.spec import StackSpec

TASKS: Final = "ecs-tasks.amazonaws.com"
#: Secrets Manager ends an ARN with a dash and six characters that nobody can foretell. As both ends are
#: fixed, the pattern fits the one secret of that name.
_SUFFIX: Final = "-??????"
#: The end of an ARN that has them.
WHOLE: Final = re.compile(r"-[A-Za-z0-9]{6}$")
_PULL: Final = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_PUSH: Final = (
    *_PULL,
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
_DEFINITIONS: Final = ("ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions", "ecs:RegisterTaskDefinition")
_RELEASE: Final = (
    "ecs:DescribeServiceDeployments",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:ListServiceDeployments",
    "ecs:ListTagsForResource",
    "ecs:StopServiceDeployment",
    "ecs:UpdateService",
)
#: What AWS fetches an image with that a pull-through cache does not have yet.
_CACHE: Final = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")


def execution(spec: StackSpec, place: Place, services: Iterable[FargateService]) -> dict[str, Value]:
    """Return what ECS may do to start tasks: pull their images, write their logs, read their secrets."""
    services = tuple(services)
    statements = [allow("RegistryToken", ["ecr:GetAuthorizationToken"], "*")]
    caches = _caches(spec, place)
    whole = {*_own(spec, place, services), *caches}
    within = tuple(pattern.removesuffix("*") for pattern in whole)
    if repositories := sorted(whole | {one for one in _others(place, services) if not one.startswith(within)}):
        statements.append(allow("PullImages", _PULL, repositories))
    if caches:
        statements.append(allow("FillCaches", _CACHE, caches))
    if services:
        groups = _streams(place, service_group(spec.name, "*"))
        statements.append(allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], groups))
    if secrets := sorted({*_secrets(spec, place, services)}):
        statements.append(allow("ReadSecrets", ["secretsmanager:GetSecretValue"], secrets))
    if keys := sorted({key for application in spec.applications for key in application.secret_keys}):
        via = [f"secretsmanager.{region}.{place.suffix}" for region in sorted({key.split(":")[3] for key in keys})]
        only: Fields = {"StringEquals": {"kms:ViaService": tuple(via)}}
        statements.append(allow("DecryptSecrets", ["kms:Decrypt"], keys, Condition=only))
    return policy(statements)


def ci(spec: StackSpec, place: Place, services: Iterable[FargateService]) -> dict[str, Value]:
    """Return what a workflow may do to release: push images, roll services, and read why one failed."""
    services = tuple(services)
    cluster = place.arn("ecs", f"cluster/{spec.name}")
    in_cluster: Fields = {"ArnEquals": {"ecs:cluster": cluster}}
    inside = [
        place.arn("ecs", f"{what}/{spec.name}/*") for what in ("service", "service-deployment", "service-revision")
    ]
    names = (events_group(spec.name), service_group(spec.name, "*"))
    groups = [place.arn("logs", f"log-group:{name}{end}") for name in names for end in ("", ":*")]
    # ECS's tasks cannot take the two of them that are not for tasks.
    roles = place.arn("iam", f"role{role_path(spec.name, place)}*", region="")
    families = place.arn("ecs", f"task-definition/{spec.full('*')}:*")
    statements = [
        allow("RegistryToken", ["ecr:GetAuthorizationToken"], "*"),
        # AWS limits none of these to a resource; what a definition can do is limited by PassRoles.
        allow("Definitions", _DEFINITIONS, "*"),
        # At birth, and later: a release notes on a revision how it went.
        allow("TagDefinitions", ["ecs:ListTagsForResource", "ecs:TagResource"], families),
        allow("Release", _RELEASE, inside),
        allow("ReadCluster", ["ecs:DescribeClusters"], cluster),
        allow("ReadTasks", ["ecs:DescribeTasks"], place.arn("ecs", f"task/{spec.name}/*")),
        allow("ListCluster", ["ecs:ListServices", "ecs:ListTasks"], "*", Condition=in_cluster),
        allow("PassRoles", ["iam:PassRole"], roles, Condition={"StringEquals": {"iam:PassedToService": TASKS}}),
        allow("ReadLogs", ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"], groups),
        allow("ReadZones", ["ec2:DescribeAvailabilityZones"], "*"),
        allow(
            "ReadEvents",
            ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
            place.arn("sqs", queue_name(spec.name, "events")),
        ),
    ]
    if repositories := sorted(_own(spec, place, services)):
        statements.append(allow("PushImages", _PUSH, repositories))
    return policy(statements)


def ci_trust(spec: StackSpec, place: Place) -> dict[str, Value]:
    """Return who may take the role: one branch, or one environment, of one repository at GitHub."""
    issuer = "token.actions.githubusercontent.com"
    end = f"environment:{spec.ci.environment}" if spec.ci.environment else f"ref:refs/heads/{spec.ci.branch}"
    statement: Fields = {
        "Sid": "Trust",
        "Effect": "Allow",
        "Principal": {"Federated": place.arn("iam", f"oidc-provider/{issuer}", region="")},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{issuer}:aud": f"sts.{place.suffix}",
                f"{issuer}:sub": f"repo:{spec.ci.repository}:{end}",
            }
        },
    }
    return policy([statement])


def flow_logs(spec: StackSpec, place: Place) -> dict[str, Value]:
    """Return what VPC flow logs may do: write to their group."""
    group = flow_group(spec.name)
    actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return policy(
        [
            allow("WriteLogs", actions, [place.arn("logs", f"log-group:{group}"), _streams(place, group)]),
            allow("FindGroup", ["logs:DescribeLogGroups"], "*"),
        ]
    )


def _streams(place: Place, group: str) -> str:
    return place.arn("logs", f"log-group:{group}:*")


def _own(spec: StackSpec, place: Place, services: Iterable[FargateService]) -> Iterator[str]:
    if any(service.repository for service in services):
        yield place.arn("ecr", f"repository/{repository_name(spec.name, '*')}")


def _caches(spec: StackSpec, place: Place) -> tuple[str, ...]:
    """Return the patterns of the repositories of pull-through caches, where the stack uses ECR's."""
    host, _, path = spec.registry.rstrip("/").partition("/")
    if not (registry := ecr_registry(host)):
        return ()
    below = f"{path}/" if path else ""
    return tuple(sorted(_repository(place, registry, f"{below}{cache}/*") for cache in CACHES.values()))


def _others(place: Place, services: Iterable[FargateService]) -> Iterator[str]:
    """Yield private repositories that are not the stack's, which the spec names in full."""
    for service in services:
        for container in service.containers:
            image = parsed(container.image)
            if image.repository and (registry := ecr_registry(image.host)):
                yield _repository(place, registry, image.repository)


def _repository(place: Place, registry: EcrRegistry, name: str) -> str:
    return place.arn("ecr", f"repository/{name}", region=registry.region, account=registry.account)


def _secrets(spec: StackSpec, place: Place, services: Iterable[FargateService]) -> Iterator[str]:
    for service in services:
        for container in service.containers:
            for _, text in container.secrets:
                yield from _secret(text, spec, place)
    for application in spec.applications:
        for _, text in application.secrets:
            yield from _secret(text, spec, place)


def _secret(text: Text, spec: StackSpec, place: Place) -> Iterator[str]:
    """Yield the pattern of one secret: of a reference, an ARN (whole or without its suffix), or a name."""
    parts = text.parts if isinstance(text, Join) else (text,)
    head = parts[0]
    if isinstance(head, Ref):
        head = secret_name(spec.name, head.address.partition(".")[2])
    else:
        head = "".join(part for part in parts if isinstance(part, str))
    if not head.startswith("arn:"):
        yield place.arn("secretsmanager", f"secret:{head.partition(':')[0]}{_SUFFIX}")
        return
    arn = ":".join(head.split(":")[:7])
    # No name ends as a whole ARN does: spec_check refuses it, for ECS would take it for one.
    yield arn if WHOLE.search(arn) else f"{arn}{_SUFFIX}"
