"""Variables of containers: names that ECS takes, and no credentials in plain sight.

A task definition can be read by everybody who may describe it, and a stack's file lies in a repository. So
what looks like a credential is refused, wherever it stands, and never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from obskit.deploy.resources import _role_policies
from obskit.deploy.spec_check._problem import HIDDEN, Problem, error, path_of
from obskit.redact import CREDENTIAL, redact

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import Application, StackSpec

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
#: ``name`` or ``name:json_key``; what Secrets Manager takes as a name.
_SECRET = re.compile(r"([A-Za-z0-9/_+=.@-]{1,512})(:[^:\s]{1,128})?")
#: A whole ARN, with the six letters that Secrets Manager adds.
_SECRET_ARN = re.compile(
    r"arn:(aws[a-z-]*):secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}(:[^:\s]{1,128})?"
)
#: IAM knows keys by their own ARN only, not by an alias's.
_KEY = re.compile(r"arn:(aws[a-z-]*):kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,128}")
#: ECS itself sets these, and credentials of the role would be lost behind them (ECS.8).
_OF_ECS = re.compile(r"(ECS_CONTAINER_METADATA_URI|AWS_CONTAINER_)[A-Z0-9_]*|AWS_EXECUTION_ENV")
#: Words of a variable's name that tell of a credential, and last words that tell of something about one.
_TELLING = ("PASSWORD", "PASSWD", "PASSPHRASE", "PWD", "TOKEN", "SECRET", "CREDENTIAL", "CREDENTIALS", "APIKEY")
_TELLING_PAIRS = re.compile(r"_(API|ACCESS|PRIVATE|SIGNING|ENCRYPTION|ACCOUNT|SECRET|MASTER)_KEY(_ID)?_")
_ABOUT = (
    *("ALGORITHM", "ARN", "AUDIENCE", "COUNT", "DAYS", "ENABLED", "EXPIRY", "FILE", "HEADER", "HOURS", "ISSUER"),
    *("LENGTH", "LIMIT", "MAX", "MIN", "MINUTES", "MODE", "NAME", "PATH", "POLICY", "PREFIX", "REGION", "REQUIRED"),
    *("ROTATION", "SECONDS", "SIZE", "TTL", "TYPE", "URI", "URL"),
)
_TRUTHS = ("", "true", "false", "yes", "no", "on", "off")
_HINT = "put it into Secrets Manager, and name that in secrets"


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield variables that ECS would refuse, and credentials."""
    for application in spec.applications:
        key = path_of("applications", application.name)
        yield from _variables(key, application)
        for name, named in application.secrets:
            yield from _secret(path_of(f"{key}.secrets", name), named, place)
        yield from _keys(f"{key}.secret_keys", application, place)
    yield from _plain_credentials(spec)


def _variables(key: str, application: Application) -> Iterator[Problem]:
    secret_names = {name for name, _ in application.secrets}
    for name, value in application.environment:
        where = path_of(f"{key}.environment", name)
        yield from _variable(where, name)
        if name in secret_names:
            yield error(where, None, "is in secrets too", "one of both")
        elif tells_a_secret(name, value):
            yield Problem(key=where, value=HIDDEN, what="looks like a credential", allowed=_HINT)
    for name, _ in application.secrets:
        yield from _variable(path_of(f"{key}.secrets", name), name)


def _secret(where: str, named: str, place: Place | None) -> Iterator[Problem]:
    """Yield what is wrong with the name of a secret; it is not shown, for it may be the secret itself."""
    if arn := _SECRET_ARN.fullmatch(named):
        if place is not None and arn[1] != place.partition:
            yield error(where, named, "is of another partition", f"arn:{place.partition}:secretsmanager:…")
        return
    found = _SECRET.fullmatch(named)
    if not found:
        allowed = "name or whole ARN of a secret in Secrets Manager, or either with :json_key"
        yield Problem(key=where, value=HIDDEN, what="is no secret's name", allowed=allowed)
    elif _role_policies.WHOLE.search(found[1]):
        # ECS looks for what stands before the last hyphen.
        what = "names a secret that ends in a hyphen and six letters, as only whole ARNs do"
        yield Problem(key=where, value=HIDDEN, what=what, allowed="its whole ARN, or another name for the secret")


def _keys(key: str, application: Application, place: Place | None) -> Iterator[Problem]:
    for arn in application.secret_keys:
        found = _KEY.fullmatch(arn)
        if not found:
            yield error(key, arn, "is no key's ARN", "arn:aws:kms:REGION:ACCOUNT:key/ID; no alias")
        elif place is not None and found[1] != place.partition:
            yield error(key, arn, "is of another partition", f"arn:{place.partition}:kms:…")
    if application.secret_keys and not application.secrets:
        yield error(key, None, "decrypt nothing: the application has no secrets", "secrets, or no secret_keys")


def _variable(where: str, name: str) -> Iterator[Problem]:
    if not _NAME.fullmatch(name):
        yield error(where, None, "is no variable", "letters, digits and _, not beginning with a digit")
    elif _OF_ECS.fullmatch(name):
        yield error(where, None, "is set by ECS itself", "another name")


def tells_a_secret(name: str, value: str) -> bool:
    """Tell whether a variable's name or value gives a credential away; "" and true and false never do."""
    if value.lower() in _TRUTHS:
        return False
    if _credential(value) or _credential(f"{name}={value}"):
        return True
    words = [word for word in re.split(r"[^A-Z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).upper()) if word]
    if not words or words[-1] in _ABOUT:
        return False
    return not set(_TELLING).isdisjoint(words) or bool(_TELLING_PAIRS.search(f"_{'_'.join(words)}_"))


def _credential(text: str) -> bool:
    # One that the file itself holds in brackets is a placeholder that somebody wrote.
    return bool(CREDENTIAL.search(redact(CREDENTIAL.sub("", text))))


def _plain_credentials(spec: StackSpec) -> Iterator[Problem]:
    """Yield every other text of the spec that holds a credential: a command, an image's registry, an address."""
    sections: list[tuple[str, Any]] = [
        ("entry", spec.entry),
        ("telemetry", spec.telemetry),
        ("ci", spec.ci),
        ("network", spec.network),
    ]
    sections += [(path_of("applications", a.name), a) for a in spec.applications]
    sections += [(w.name, w) for w in spec.watchers]
    sections += [(f"waivers[{n}]", w) for n, w in enumerate(spec.waivers, 1)]
    for section, part in sections:
        for field in fields(part):
            if field.name in ("environment", "secrets"):
                continue
            if any(_credential(text) for text in _texts(getattr(part, field.name))):
                what = "holds what looks like a credential"
                yield Problem(key=f"{section}.{field.name}", value=HIDDEN, what=what, allowed=_HINT)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        texts = [item for item in value if isinstance(item, str)]
        yield from texts
        yield " ".join(texts)  # "--password", "hunter2"
