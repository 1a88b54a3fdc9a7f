"""The passwords that the stack makes for itself, in Secrets Manager.

A value is made here, goes to AWS with the call that creates its secret, and is never read back, compared
or shown.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Iterator, Mapping
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Resource, Stack, touched
from obskit.deploy.resources._names import secret_name
from obskit.deploy.resources._tags import as_dict, as_list, name_of
from obskit.deploy.spec import StackSpec

#: All that a stack can have; so they are asked for by name. Listing lags behind by up to five minutes.
_NAMES: Final = ("database", "grafana", "grafana-database", "grafana-key")
#: Without these what the database keeps cannot be read any more.
_KEYS_TO_DATA: Final = ("database", "grafana-key")
#: Letters and digits alone: nothing that a URL, a shell, an INI file or RDS would take for something else.
_ALPHABET: Final = string.ascii_letters + string.digits
_LENGTH: Final = 32  # 190 bits
#: The account's key of Secrets Manager, which is used where none is named.
_DEFAULT_KEY: Final = "alias/aws/secretsmanager"
_CURRENT: Final = "AWSCURRENT"


class SecretKind(Kind):
    """A user name and a password as JSON: ``{"username": …, "password": …}``."""

    name = "secret"

    def wanted(self, spec: StackSpec, place: Place) -> Iterator[Resource]:
        """Yield Grafana's administrator and its key, and those of the database where there is one."""
        yield self._secret("grafana", "admin", f"Administrator of Grafana of {spec.name}")
        # Grafana encrypts what data sources hold with it; its built-in default is known to everybody.
        yield self._secret("grafana-key", "grafana", f"Key that Grafana of {spec.name} encrypts its secrets with")
        if spec.database:
            yield self._secret("database", spec.database.name, f"Owner of the database of {spec.name}")
            yield self._secret("grafana-database", "grafana", f"Grafana's user in the database of {spec.name}")

    def _secret(self, name: str, user: str, description: str) -> Resource:
        fields: Fields = {"Current": True, "Description": description, "KmsKeyId": None}
        # The user cannot be compared: it stands inside.
        return Resource(kind=self.name, name=name, fields=fields, payload={"username": user})

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the stack's secrets that are not about to be deleted."""
        for name in _NAMES:
            row = _described(aws, secret_name(stack.name, name))
            tags = as_dict((row or {}).get("Tags"))
            if row and not row.get("DeletedDate") and name_of(self.name, tags, stack) == name:
                yield Observed(
                    kind=self.name,
                    name=name,
                    fields={
                        "Current": _has_value(row),
                        "Description": row.get("Description", ""),
                        "KmsKeyId": _key(row),
                    },
                    attributes=_attributes(row),
                    tags=tags,
                    keeps_data=name in _KEYS_TO_DATA,
                )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create a secret with its value, or take back one that waits for its deletion, value and all.

        Raises:
            DeployError: There is a secret of that name which is not this stack's.
        """
        name = secret_name(stack.name, resource.name)
        made: list[Attributes] = []
        asked: dict[str, Any] = {
            "Name": name,
            "Description": resource.fields["Description"],
            "KmsKeyId": resource.fields.get("KmsKeyId"),
            "SecretString": _value(resource),
            "Tags": as_list(resource.tags),
            "ClientRequestToken": secrets.token_hex(16),  # makes asking twice harmless
        }

        def why() -> str:
            try:
                made.append(_attributes(aws.call("secretsmanager", "create_secret", idempotent=True, **asked)))
            except AwsError as error:
                if error.code not in ("ResourceExistsException", "InvalidRequestException"):
                    raise
                row = _described(aws, name)
                taken = row and quiet(lambda: self._take(aws, stack, resource, row))
                if not taken:  # it was there, and is just being deleted for good
                    return error.message
                made.append(taken)
            return ""

        aws.until(why, patience_seconds=aws.settle_seconds, what="secretsmanager:CreateSecret")
        return made[0]

    def _take(self, aws: Aws, stack: Stack, resource: Resource, row: Mapping[str, Any]) -> Attributes:
        """Go on with a secret that exists.

        Raises:
            DeployError: It is not this stack's.
        """
        if name_of(self.name, as_dict(row.get("Tags")), stack) is None:
            raise DeployError(
                f"the secret {row['Name']} exists and is not this stack's",
                where={"secret": str(row["ARN"]), "stack": stack.name},
                hint="delete it for good, or give the stack another name",
            )
        if row.get("DeletedDate"):
            aws.call("secretsmanager", "restore_secret", idempotent=True, SecretId=row["ARN"])
        self._describe(aws, row["ARN"], resource)
        if not _has_value(row):
            self._put(aws, row["ARN"], resource)
        aws.call("secretsmanager", "tag_resource", idempotent=True, SecretId=row["ARN"], Tags=as_list(resource.tags))
        return _attributes(row)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Mend description and key; give a value to a secret that has none, and to no other."""
        arn = before.attributes["arn"]
        if touched(paths, "Description", "KmsKeyId"):
            self._describe(aws, arn, resource)
        if touched(paths, "Current"):
            self._put(aws, arn, resource)
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        arn = before.attributes["arn"]
        aws.call("secretsmanager", "tag_resource", idempotent=True, SecretId=arn, Tags=as_list(tags))

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete a secret for good: one that only waits for its deletion keeps its name taken."""
        arn = before.attributes["arn"]
        quiet(
            lambda: aws.call(
                "secretsmanager", "delete_secret", idempotent=True, SecretId=arn, ForceDeleteWithoutRecovery=True
            )
        )

    @staticmethod
    def _describe(aws: Aws, arn: str, resource: Resource) -> None:
        aws.call(
            "secretsmanager",
            "update_secret",
            idempotent=True,
            SecretId=arn,
            Description=resource.fields["Description"],
            KmsKeyId=resource.fields.get("KmsKeyId") or _DEFAULT_KEY,
        )

    @staticmethod
    def _put(aws: Aws, arn: str, resource: Resource) -> None:
        token = secrets.token_hex(16)
        aws.call(
            "secretsmanager",
            "put_secret_value",
            idempotent=True,
            SecretId=arn,
            SecretString=_value(resource),
            ClientRequestToken=token,
        )


def _described(aws: Aws, name: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = quiet(lambda: aws.call("secretsmanager", "describe_secret", SecretId=name))
    return found


def _value(resource: Resource) -> str:
    password = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return json.dumps({"username": resource.payload["username"], "password": password})


def _has_value(row: Mapping[str, Any]) -> bool:
    return any(_CURRENT in stages for stages in (row.get("VersionIdsToStages") or {}).values())


def _key(row: Mapping[str, Any]) -> str | None:
    key = str(row.get("KmsKeyId") or "")
    return None if not key or key.endswith(_DEFAULT_KEY) else key


def _attributes(row: Mapping[str, Any]) -> Attributes:
    return {"arn": str(row["ARN"]), "name": str(row["Name"])}


KIND = SecretKind()
