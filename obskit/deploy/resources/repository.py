"""The ECR repositories of services whose images are built for this stack."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Resource, Stack, Value, touched
from obskit.deploy.resources import _iam, _json
from obskit.deploy.resources._json import compact, mapping
from obskit.deploy.resources._names import repository_name
from obskit.deploy.resources._tags import as_dict, as_list, name_of
from obskit.deploy.services import FargateService, services
from obskit.deploy.spec import StackSpec

#: Images that a later build left without a tag; a week is enough to look at one.
_UNTAGGED_DAYS: Final = 7
#: So far back can be rolled back. Many tags a day must not push out the one that runs.
_KEPT_IMAGES: Final = 500
_PAGE: Final = 1000


class RepositoryKind(Kind):
    """A private repository: tags that never move, images scanned when they arrive."""

    name = "repository"
    replace_on = ("encryptionConfiguration",)
    goes_freely = True  # its name and ARN stay the same

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the repository of every service that has one."""
        return repositories(services(spec, place))

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the repositories that begin with the stack's name and bear its tag."""
        rows = list(aws.pages("ecr", "describe_repositories", "repositories", maxResults=_PAGE))
        for row in rows:
            if not str(row["repositoryName"]).startswith(repository_name(stack.name, "")):
                continue
            tags = _tags(aws, str(row["repositoryArn"]))
            if tags is None or not (name := name_of(self.name, tags, stack)):
                continue
            yield Observed(
                kind=self.name,
                name=name,
                fields=_observed(aws, row),
                attributes=_attributes(row),
                tags=tags,
                keeps_data=True,
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create a repository with its tags, then its lifecycle policy.

        Raises:
            DeployError: There is a repository of that name which is not this stack's.
        """
        fields, name = resource.fields, repository_name(stack.name, resource.name)
        try:
            row = aws.call(
                "ecr",
                "create_repository",
                repositoryName=name,
                tags=as_list(resource.tags),
                imageTagMutability=fields["imageTagMutability"],
                imageScanningConfiguration=fields["imageScanningConfiguration"],
                encryptionConfiguration=fields["encryptionConfiguration"],
            )["repository"]
        except AwsError as error:
            if error.code != "RepositoryAlreadyExistsException":
                raise
            row = self._ours(aws, stack, name)
        _put_lifecycle(aws, name, fields)
        return _attributes(row)

    def _ours(self, aws: Aws, stack: Stack, name: str) -> Mapping[str, Any]:
        answer = aws.call("ecr", "describe_repositories", repositoryNames=[name])
        row: Mapping[str, Any] = answer["repositories"][0]
        if name_of(self.name, _tags(aws, str(row["repositoryArn"])) or {}, stack) is None:
            raise DeployError(
                f"the repository {name} exists and is not this stack's",
                where={"repository": str(row["repositoryArn"]), "stack": stack.name},
                hint="delete it, or give the stack another name",
            )
        return row

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Mend what differs."""
        name, fields = before.attributes["name"], resource.fields
        if touched(paths, "imageTagMutability", "imageTagMutabilityExclusionFilters"):
            aws.call(
                "ecr",
                "put_image_tag_mutability",
                idempotent=True,
                repositoryName=name,
                imageTagMutability=fields["imageTagMutability"],
            )
        if touched(paths, "imageScanningConfiguration"):
            aws.call(
                "ecr",
                "put_image_scanning_configuration",
                idempotent=True,
                repositoryName=name,
                imageScanningConfiguration=fields["imageScanningConfiguration"],
            )
        if touched(paths, "lifecyclePolicy"):
            _put_lifecycle(aws, name, fields)
        if touched(paths, "repositoryPolicy"):
            quiet(lambda: aws.call("ecr", "delete_repository_policy", idempotent=True, repositoryName=name))
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        arn = before.attributes["arn"]
        aws.call("ecr", "tag_resource", idempotent=True, resourceArn=arn, tags=as_list(tags))

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete a repository with its images."""
        name = before.attributes["name"]
        quiet(lambda: aws.call("ecr", "delete_repository", idempotent=True, repositoryName=name, force=True))


def repositories(found: Iterable[FargateService]) -> Iterator[Resource]:
    """Yield the repositories of services."""
    for service in found:
        if service.repository:
            fields: dict[str, Value] = {
                "encryptionConfiguration": {"encryptionType": "AES256"},
                "imageScanningConfiguration": {"scanOnPush": True},
                "imageTagMutability": "IMMUTABLE",
                "lifecyclePolicy": _lifecycle(),
                "repositoryPolicy": None,
            }
            yield Resource(kind=RepositoryKind.name, name=service.name, fields=fields, service=service.name)


def _lifecycle() -> dict[str, Value]:
    """Return the rules by priority."""
    expire: Value = {"type": "expire"}
    return {
        "1": {
            "action": expire,
            "description": "Images without a tag",
            "selection": {
                "countNumber": _UNTAGGED_DAYS,
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "tagStatus": "untagged",
            },
        },
        "2": {
            "action": expire,
            "description": "All but the newest with a tag",
            "selection": {
                "countNumber": _KEPT_IMAGES,
                "countType": "imageCountMoreThan",
                "tagPatternList": ("*",),
                "tagStatus": "tagged",
            },
        },
    }


def _put_lifecycle(aws: Aws, name: str, fields: Fields) -> None:
    rules = mapping(fields["lifecyclePolicy"])
    rows = [{"rulePriority": int(priority), **mapping(rule)} for priority, rule in rules.items()]
    text = compact({"rules": rows})
    aws.call("ecr", "put_lifecycle_policy", idempotent=True, repositoryName=name, lifecyclePolicyText=text)


def _observed(aws: Aws, row: Mapping[str, Any]) -> dict[str, Value]:
    name = row["repositoryName"]
    lifecycle = quiet(lambda: aws.call("ecr", "get_lifecycle_policy", repositoryName=name))
    policy = quiet(lambda: aws.call("ecr", "get_repository_policy", repositoryName=name))
    encryption = row.get("encryptionConfiguration") or {}
    scanning = row.get("imageScanningConfiguration") or {}
    return {
        "encryptionConfiguration": {"encryptionType": "AES256", **encryption},
        "imageScanningConfiguration": {"scanOnPush": bool(scanning.get("scanOnPush", False))},
        "imageTagMutability": row.get("imageTagMutability", "MUTABLE"),
        "imageTagMutabilityExclusionFilters": _json.fields(row.get("imageTagMutabilityExclusionFilters")),
        "lifecyclePolicy": _rules(lifecycle["lifecyclePolicyText"]) if lifecycle else None,
        "repositoryPolicy": _iam.read(policy["policyText"]) if policy else None,
    }


def _rules(text: str) -> dict[str, Value]:
    rules: dict[str, Value] = {}
    for rule in json.loads(text).get("rules") or ():
        rules[str(rule["rulePriority"])] = {
            key: _json.fields(value) for key, value in rule.items() if key != "rulePriority"
        }
    return rules


def _tags(aws: Aws, arn: str) -> dict[str, str] | None:
    """Return a repository's tags; None where it has just been deleted."""
    answer = quiet(lambda: aws.call("ecr", "list_tags_for_resource", resourceArn=arn))
    return None if answer is None else as_dict(answer.get("tags"))


def _attributes(row: Mapping[str, Any]) -> Attributes:
    return {
        "arn": str(row["repositoryArn"]),
        "name": str(row["repositoryName"]),
        "uri": str(row["repositoryUri"]),
    }


KIND = RepositoryKind()
