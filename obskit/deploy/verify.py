"""What a deployment would stumble over, found out before it: read-only, each question once.

Nothing is written to find out whether it can be: what a role may do is asked of IAM's simulator.
Secrets are read, since ECS reads them too, but only the names of their keys are looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from obskit.deploy.aws import Aws, absent
from obskit.deploy.desired import desired
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.observe import WORKERS, observe
from obskit.deploy.registry import PROCESSORS, is_pushed, platforms
from obskit.deploy.resource import (
    Attributes,
    Join,
    Observed,
    Place,
    Ref,
    Resource,
    Stack,
    Unknown,
    resolve,
    resolved,
)
from obskit.deploy.resources import _entry, _route53, kinds
from obskit.deploy.resources._names import repository_name
from obskit.deploy.services import FargateService, services
from obskit.deploy.spec import StackSpec
from obskit.errors import one_line

State = Literal["good", "bad", "not seen"]
_TASKS: Final = "ecs-tasks"
_MAY_WRITE_LOGS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One answer.

    Attributes:
        check: ``image``, ``secret``, ``role``, ``ports``, ``log group``, ``zone``, ``provider``.
        about: Of what.
        state: ``not seen`` where AWS cannot or may not be asked.
        words: What is so.
        hint: What to do where it is bad.
    """

    check: str
    about: str
    state: State
    words: str
    hint: str = ""


Question = Callable[[], Iterable[Verified]]


def verify(
    aws: Aws, spec: StackSpec, place: Place, *, tell: Callable[[str], None] = lambda _: None
) -> tuple[Verified, ...]:
    """Ask everything.

    Args:
        aws, place: Where.
        spec: The wanted stack; what of it is there already is looked at, the rest is only checked in itself.
        tell: Is told what is asked.

    Raises:
        AwsError: AWS cannot be asked what there is.
    """
    stack = Stack(name=spec.name, place=place)
    there = {one.address: one for one in observe(aws, stack, kinds(), tell=tell)}
    known = {address: one.attributes for address, one in there.items()}
    wanted = {r.address: resolved(r, known) for r in desired(spec, place, kinds())}
    every = services(spec, place)
    questions: list[Question] = [
        *(partial(_image, aws, stack, image, service, there) for image, service in _images(every, there).items()),
        *(partial(_secret, aws, arn, users, known) for arn, users in _secrets(every).items()),
        *(partial(_role, aws, one) for one in there.values() if one.kind == "role" and one.name != "ci"),
        partial(_ports, wanted, there),
        partial(_log_groups, aws, there),
        partial(_zone, aws, spec, place),
        partial(_provider, aws, spec, place),
    ]
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="obskit-verify") as pool:
        return tuple(row for rows in pool.map(lambda question: tuple(question()), questions) for row in rows)


def _images(
    every: Iterable[FargateService], there: Mapping[str, Observed]
) -> dict[tuple[str, str], list[FargateService]]:
    """Return (image, processor) -> services that run it; where CI owns the image, the one that it released."""
    found: dict[tuple[str, str], list[FargateService]] = {}
    for service in every:
        for container in service.containers:
            image = container.image
            if container is service.program and service.image_owner == "ci":
                image = _released(there.get(f"task_definition.{service.name}"), container.name) or image
            found.setdefault((image, service.size.architecture), []).append(service)
    return found


def _released(definition: Observed | None, container: str) -> str:
    value: Any = definition.fields.get("containers") if definition else None
    return str(((value or {}).get(container) or {}).get("image") or "")


def _image(
    aws: Aws, stack: Stack, asked: tuple[str, str], users: list[FargateService], there: Mapping[str, Observed]
) -> Iterator[Verified]:
    image, architecture = asked
    own = [s for s in users if s.repository and f"/{repository_name(stack.name, s.name)}" in image]
    if own and f"repository.{own[0].name}" not in there:
        hint = f"apply the stack, then build and push {image}"
        yield Verified(check="image", about=image, state="bad", words="its repository is not there yet", hint=hint)
        return
    try:
        if not is_pushed(aws, stack.place, image):
            yield Verified(check="image", about=image, state="bad", words="not pushed yet", hint="build and push it")
            return
        found = platforms(aws, image)
    except AwsError as error:
        lost = absent(error) or error.code == "ImageNotFound"
        state: State = "bad" if lost else "not seen"
        yield Verified(
            check="image", about=image, state=state, words=one_line(error), hint="build and push it" if lost else ""
        )
        return
    except DeployError as error:
        state = "bad" if "(404)" in error.what else "not seen"
        hint = "name a tag that exists" if state == "bad" else ""
        yield Verified(check="image", about=image, state=state, words=one_line(error), hint=hint)
        return
    wanted = PROCESSORS[architecture]
    if not found:
        yield Verified(check="image", about=image, state="not seen", words="it does not say for which processor it is")
    elif wanted in found:
        yield Verified(check="image", about=image, state="good", words=f"there, for {', '.join(sorted(found))}")
    else:
        words = f"there for {', '.join(sorted(found))}, not for {wanted}"
        hint = f"build it with --platform linux/{wanted}, or set architecture"
        yield Verified(check="image", about=image, state="bad", words=words, hint=hint)


def _secrets(every: Iterable[FargateService]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for service in every:
        for container in service.containers:
            for _, source in container.secrets:
                found.setdefault(source, []).append(service.name)
    return found


def _secret(aws: Aws, source: Any, users: list[str], known: Mapping[str, Attributes]) -> Iterator[Verified]:
    text = resolve(source, known)
    about = f"{_secret_name(source)} of {', '.join(sorted(set(users)))}"
    if isinstance(text, Unknown):
        yield Verified(check="secret", about=about, state="good", words="apply makes it")
        return
    arn, key = _secret_and_key(str(text))
    try:
        value = aws.call("secretsmanager", "get_secret_value", SecretId=arn).get("SecretString", "")
    except AwsError as error:
        # what is scheduled for deletion is refused in these words, to ECS too
        going = bool(re.search(r"(marked|scheduled) (for deletion|deleted)", error.message))
        state: State = "bad" if absent(error) or going else "not seen"
        hint = "" if state != "bad" else "restore it" if going else "create it, or correct its name"
        yield Verified(check="secret", about=about, state=state, words=one_line(error), hint=hint)
        return
    keys = _keys_of(value)
    if key and key not in keys:
        words = f"there, but it has no key {key}; it has {', '.join(sorted(keys)) or 'none'}"
        yield Verified(check="secret", about=about, state="bad", words=words, hint="add the key, or correct its name")
    else:
        yield Verified(check="secret", about=about, state="good", words=f"there{f', with key {key}' if key else ''}")


def _secret_and_key(value_from: str) -> tuple[str, str]:
    """Return ARN (or name) and JSON key of ``arn:…:secret:name:key::``."""
    if not value_from.startswith("arn:"):
        return value_from, ""
    parts = value_from.split(":")
    return ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""


def _secret_name(source: Any) -> str:
    """Return a secret as people name it: ``database, key password``."""
    parts = source.parts if isinstance(source, Join) else (source,)
    name, key = _secret_and_key("".join(part for part in parts if isinstance(part, str)))
    made = next((part.address.partition(".")[2] for part in parts if isinstance(part, Ref)), "")
    if made:
        key = name.strip(":")
    shown = made or name.partition(":secret:")[2] or name
    return f"{shown}, key {key}," if key else shown


def _keys_of(value: str) -> set[str]:
    try:
        found = json.loads(value)
    except ValueError:
        return set()
    return set(found) if isinstance(found, dict) else set()


def _role(aws: Aws, one: Observed) -> Iterator[Verified]:
    name = one.attributes["name"]
    try:
        document = aws.call("iam", "get_role", RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    except AwsError as error:
        yield Verified(check="role", about=name, state="bad" if absent(error) else "not seen", words=one_line(error))
        return
    wanted = "vpc-flow-logs" if one.name == "flow-logs" else _TASKS
    if any(str(principal).startswith(f"{wanted}.") for principal in _principals(document)):
        yield Verified(check="role", about=name, state="good", words=f"{wanted} may take it")
    else:
        words = f"{wanted} may not take it: its trust policy names {', '.join(_principals(document)) or 'nobody'}"
        yield Verified(check="role", about=name, state="bad", words=words, hint="obskit deploy apply mends it")


def _principals(document: Mapping[str, Any]) -> list[str]:
    """Return the services that may take a role."""
    statements = document.get("Statement") or []
    rows = statements if isinstance(statements, list) else [statements]
    found: list[str] = []
    for row in rows:
        principal = row.get("Principal") if row.get("Effect") == "Allow" else None
        services_ = principal.get("Service", []) if isinstance(principal, Mapping) else []
        found += services_ if isinstance(services_, list) else [services_]
    return found


def _ports(wanted: Mapping[str, Resource], there: Mapping[str, Observed]) -> Iterator[Verified]:
    """Yield whether what the balancer sends to is what the task listens on."""
    for address, resource in wanted.items():
        one = there.get(address)
        if resource.kind != "target_group" or one is None:
            continue
        differing = [
            k for k in ("Port", "Protocol", "TargetType", "VpcId") if one.fields.get(k) != resource.fields.get(k)
        ]
        words = "agrees with the service" if not differing else f"differs in {', '.join(differing)}"
        state: State = "bad" if differing else "good"
        hint = "obskit deploy plan shows how" if differing else ""
        yield Verified(check="ports", about=address, state=state, words=words, hint=hint)


def _log_groups(aws: Aws, there: Mapping[str, Observed]) -> Iterator[Verified]:
    """Yield whether the execution role may write, by IAM's simulator: nothing is written."""
    role = there.get("role.execution")
    groups = [
        one for one in there.values() if one.kind == "log_group" and one.attributes["name"].startswith("/obskit/")
    ]
    if role is None or not groups:
        return
    arns = [f"{one.attributes['arn'].removesuffix(':*')}:log-stream:x" for one in groups]
    decided: dict[str, set[str]] = {}
    try:
        for row in aws.pages(
            "iam",
            "simulate_principal_policy",
            "EvaluationResults",
            idempotent=True,
            PolicySourceArn=role.attributes["arn"],
            ActionNames=list(_MAY_WRITE_LOGS),
            ResourceArns=arns,
        ):
            for one in row.get("ResourceSpecificResults") or (row,):
                decision = one.get("EvalResourceDecision") or one.get("EvalDecision")
                decided.setdefault(str(one.get("EvalResourceName")), set()).add(str(decision))
    except AwsError as error:
        yield Verified(check="log group", about="all", state="not seen", words=one_line(error))
        return
    for group, arn in zip(groups, arns, strict=True):
        said = decided.get(arn, set())
        state: State = "not seen" if not said else "good" if said == {"allowed"} else "bad"
        words = {
            "good": "the execution role may write to it",
            "bad": "the execution role may not write to it",
            "not seen": "IAM's simulator did not speak of it",
        }[state]
        hint = "obskit deploy apply mends the role" if state == "bad" else ""
        yield Verified(check="log group", about=group.attributes["name"], state=state, words=words, hint=hint)


def _zone(aws: Aws, spec: StackSpec, place: Place) -> Iterator[Verified]:
    """Yield whether each host name has a zone, found as `apply` finds it."""
    for host in _entry.hosts(spec, place):
        try:
            zone = _route53.zone_of(aws, host, spec.entry.hosted_zone)
        except AwsError as error:
            yield Verified(check="zone", about=host, state="not seen", words=one_line(error))
        except DeployError as error:
            yield Verified(check="zone", about=host, state="bad", words=error.what, hint=error.hint)
        else:
            yield Verified(check="zone", about=host, state="good", words=f"in hosted zone {zone.name}")


def _provider(aws: Aws, spec: StackSpec, place: Place) -> Iterator[Verified]:
    if not spec.ci.repository:
        return
    arn = place.arn("iam", "oidc-provider/token.actions.githubusercontent.com", region="")
    try:
        aws.call("iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=arn)
    except AwsError as error:
        bad = absent(error)
        hint = "create the provider once an account: IAM, Identity providers, token.actions.githubusercontent.com"
        yield Verified(
            check="provider",
            about=arn,
            state="bad" if bad else "not seen",
            words=one_line(error),
            hint=hint if bad else "",
        )
    else:
        yield Verified(check="provider", about=arn, state="good", words="there")
