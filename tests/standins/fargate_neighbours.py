"""What the services beside ECS do over time, and what they refuse to delete while it is used.

AWS (their API references and user guides): a NAT gateway is ``pending``, a database ``creating``, a load balancer
``provisioning`` at first, and the first two take time to go; a certificate is ISSUED once its CNAME is in public DNS,
and the CNAME is told a few seconds after the request; DependencyViolation, ResourceInUse and the like keep what is
used; interfaces of a deleted load balancer linger. moto: available at once, gone at once, certificates issued by wall
clock, deletions refused nowhere but for VPCs, target groups and roles; a second load balancer of a name is made.

What S3, RDS and SQS do otherwise is mended by `tests.standins.fargate_data`.

Simulation: fixed durations, below; "public DNS" is any public hosted zone of the account.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any, Final
from unittest import mock

from moto.acm.models import AWSCertificateManagerBackend, CertBundle
from moto.core.exceptions import JsonRESTError
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend
from moto.rds.exceptions import RDSClientError
from moto.rds.models import RDSBackend, rds_backends
from moto.route53.models import route53_backends
from moto.servicediscovery.models import ServiceDiscoveryBackend

from tests.standins.aws import ACCOUNT
from tests.standins.fargate_data import mended_data
from tests.standins.fargate_world import World

NAT_SECONDS: Final = 60.0
NAT_GOING_SECONDS: Final = 40.0
BALANCER_SECONDS: Final = 90.0
LINGERING_SECONDS: Final = 20.0
DATABASE_SECONDS: Final = 300.0
DATABASE_GOING_SECONDS: Final = 120.0
CNAME_SECONDS: Final = 2.0
Mend = Callable[[World, Any], Any]
_POLICIES: Final = ("AmazonECS", "AmazonRDSEnhanced", "AmazonSSM", "AmazonPrometheus", "CloudWatchRead", "ReadOnly")


@contextlib.contextmanager
def mended_neighbours(world: World) -> Iterator[None]:
    """Mend the moto that is already there."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(mended_data())
        for owner, name, mend in _MENDED:
            stack.enter_context(mock.patch.object(owner, name, mend(world, getattr(owner, name))))
        stack.enter_context(mock.patch.object(FakeLoadBalancer, "activate", return_value=None))
        stack.enter_context(mock.patch.object(IAMBackend, "_init_aws_policies", _policies))
        yield


@functools.cache
def _policy_texts() -> dict[str, Any]:
    every = json.loads(aws_managed_policies_data)
    return {name: row for name, row in every.items() if name.startswith(_POLICIES)}


def _policies(backend: IAMBackend) -> list[Any]:
    """Return the managed policies that a stack may name; all of AWS's take moto most of a second."""
    found = _policy_texts().items()
    return [AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, row) for name, row in found]


def _make_nat(world: World, original: Any) -> Any:
    def create_nat_gateway(backend: EC2Backend, *given: Any, **named: Any) -> Any:
        gateway = original(backend, *given, **named)
        gateway.state = "pending"
        world.timeline.at(NAT_SECONDS, lambda: _turn(gateway, "state", "pending", "available"))
        return gateway

    return create_nat_gateway


def _turn(thing: Any, attribute: str, before: str, after: str) -> None:
    if getattr(thing, attribute) == before:
        setattr(thing, attribute, after)


def _drop_nat(world: World, original: Any) -> Any:
    def delete_nat_gateway(backend: EC2Backend, nat_gateway_id: str) -> Any:
        if nat_gateway_id not in backend.nat_gateways:
            raise EC2ClientError("NatGatewayNotFound", f"NatGateway {nat_gateway_id} was not found")
        gateway = backend.nat_gateways[nat_gateway_id]
        if gateway.state in ("deleting", "deleted"):
            return gateway
        gateway.state = "deleting"

        def gone() -> None:
            gateway.state = "deleted"
            for address in [a for a in backend.addresses if a.eni is gateway._eni]:
                backend.disassociate_address(address=address.public_ip)
            backend.enis.pop(gateway._eni.id, None)

        world.timeline.at(NAT_GOING_SECONDS, gone)
        return gateway

    return delete_nat_gateway


def _held(world: World, identity: str) -> str:
    """Return what holds a subnet or a group; "" for nothing."""
    for eni in world.ec2.enis.values():
        if eni.subnet.id == identity or identity in {g.id for g in eni.group_set}:
            return str(eni.id)
    for balancer in world.elb.load_balancers.values():
        if identity in (*balancer.security_groups, *(s.id for s in balancer.subnets)):
            return str(balancer.arn)
    for endpoint in world.ec2.vpc_end_points.values():
        if endpoint.state != "deleted" and identity in (*(endpoint.subnet_ids or ()), *endpoint.security_group_ids):
            return str(endpoint.id)
    for database in rds_backends[ACCOUNT][world.region].databases.values():
        subnets = [s.id for s in database.db_subnet_group._subnets] if database.db_subnet_group else []
        if identity in (*subnets, *database.vpc_security_group_ids):
            return str(database.db_instance_identifier)
    lingering = [ids for until, ids in world.lingering if until > world.timeline.now and identity in ids]
    return "eni of a deleted load balancer" if lingering else ""


def _drop_subnet(world: World, original: Any) -> Any:
    def delete_subnet(backend: EC2Backend, subnet_id: str) -> Any:
        if _held(world, subnet_id):
            message = f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
            raise EC2ClientError("DependencyViolation", message)
        return original(backend, subnet_id)

    return delete_subnet


def _drop_group(world: World, original: Any) -> Any:
    def delete_security_group(backend: EC2Backend, name: str | None = None, group_id: str | None = None) -> Any:
        others = [g for groups in backend.groups.values() for g in groups.values() if g.id != group_id]
        rules = [rule for group in others for rule in (*group.ingress_rules, *group.egress_rules)]
        named = {(rule.source_group or {}).get("GroupId") for rule in rules}
        if group_id and (group_id in named or _held(world, group_id)):
            raise EC2ClientError("DependencyViolation", f"resource {group_id} has a dependent object")
        return original(backend, name=name, group_id=group_id)

    return delete_security_group


def _detach(world: World, original: Any) -> Any:
    def detach_internet_gateway(backend: EC2Backend, internet_gateway_id: str, vpc_id: str) -> Any:
        enis: list[Any] = [address.eni for address in backend.addresses]
        mapped = any(eni is not None and eni.subnet.vpc_id == vpc_id for eni in enis)
        facing = any(b.vpc_id == vpc_id and b.scheme != "internal" for b in world.elb.load_balancers.values())
        if mapped or facing:
            message = f"Network {vpc_id} has some mapped public address(es)."
            raise EC2ClientError("DependencyViolation", message)
        return original(backend, internet_gateway_id, vpc_id)

    return detach_internet_gateway


def _release(world: World, original: Any) -> Any:
    def release_address(backend: EC2Backend, address: str | None = None, allocation_id: str | None = None) -> Any:
        for one in backend.addresses:
            if one.allocation_id == allocation_id and one.eni is not None:
                raise EC2ClientError("InvalidIPAddress.InUse", f"Address {one.public_ip} is in use.")
        return original(backend, address=address, allocation_id=allocation_id)

    return release_address


def _make_balancer(world: World, original: Any) -> Any:
    def create_load_balancer(backend: ELBv2Backend, name: str, *given: Any, **named: Any) -> Any:
        for known in backend.load_balancers.values():
            if known.name == name:
                groups = named.get("security_groups") or (given[0] if given else [])
                subnets = named.get("subnet_ids") or (given[1] if len(given) > 1 else [])
                if set(groups) != set(known.security_groups) or set(subnets) != {s.id for s in known.subnets}:
                    message = f"A load balancer with the same name '{name}' exists, but with different settings"
                    raise ELBClientError("DuplicateLoadBalancerName", message)
                return known
        balancer = original(backend, name, *given, **named)
        world.timeline.at(BALANCER_SECONDS, lambda: _turn(balancer, "state", "provisioning", "active"))
        return balancer

    return create_load_balancer


def _drop_balancer(world: World, original: Any) -> Any:
    def delete_load_balancer(backend: ELBv2Backend, arn: str) -> Any:
        balancer = backend.load_balancers.get(arn)
        if balancer is not None:
            if balancer.attrs.get("deletion_protection.enabled") == "true":
                message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
                raise ELBClientError("OperationNotPermitted", message)
            ids = frozenset((*balancer.security_groups, *(s.id for s in balancer.subnets)))
            world.lingering.append((world.timeline.now + LINGERING_SECONDS, ids))
        return original(backend, arn)

    return delete_load_balancer


def _make_database(world: World, original: Any) -> Any:
    def create_db_instance(backend: RDSBackend, db_kwargs: dict[str, Any]) -> Any:
        database = original(backend, db_kwargs)
        database.status = "creating"
        world.timeline.at(DATABASE_SECONDS, lambda: _turn(database, "status", "creating", "available"))
        return database

    return create_db_instance


def _drop_database(world: World, original: Any) -> Any:
    def delete_db_instance(backend: RDSBackend, db_instance_identifier: str, *given: Any, **named: Any) -> Any:
        known = backend.databases.get(db_instance_identifier)
        if known is not None and known.status == "deleting":
            message = f"Instance {db_instance_identifier} is already being deleted."
            raise RDSClientError("InvalidDBInstanceState", message)
        database = original(backend, db_instance_identifier, *given, **named)
        backend.databases[db_instance_identifier] = database

        def gone() -> None:
            backend.databases.pop(db_instance_identifier, None)

        world.timeline.at(DATABASE_GOING_SECONDS, gone)
        return database

    return delete_db_instance


def _drop_subnet_group(world: World, original: Any) -> Any:
    def delete_subnet_group(backend: RDSBackend, subnet_name: str) -> Any:
        for database in backend.databases.values():
            if database.db_subnet_group and database.db_subnet_group.name == subnet_name.lower():
                message = (
                    f"Cannot delete the subnet group '{subnet_name}' because at least one database instance uses it."
                )
                raise RDSClientError("InvalidDBSubnetGroupStateFault", message)
        return original(backend, subnet_name)

    return delete_subnet_group


def _request(world: World, original: Any) -> Any:
    def request_certificate(backend: AWSCertificateManagerBackend, *given: Any, **named: Any) -> str:
        arn = str(original(backend, *given, **named))
        certificate: Any = backend._certificates[arn]
        if not hasattr(certificate, "told_at"):
            certificate.told_at = world.timeline.now + CNAME_SECONDS
        return arn

    return request_certificate


def _checked(world: World, original: Any) -> Any:
    def check(certificate: CertBundle) -> None:
        certificate.in_use_by = [
            balancer.arn
            for balancer in world.elb.load_balancers.values()
            if any(certificate.arn == listener.certificate for listener in balancer.listeners.values())
        ]
        if certificate.type != "AMAZON_ISSUED" or certificate.status != "PENDING_VALIDATION":
            return
        records = {
            (record.name.rstrip("."), str(value).rstrip("."))
            for zone in route53_backends[ACCOUNT]["aws"].zones.values()
            if not zone.private_zone
            for record in zone.rrsets
            if record.type == "CNAME"
            for value in record.records
        }
        options = certificate.describe()["Certificate"]["DomainValidationOptions"]
        rows = [row.get("ResourceRecord") for row in options]
        if all(row and (row["Name"].rstrip("."), row["Value"].rstrip(".")) in records for row in rows):
            certificate.status = "ISSUED"

    return check


def _told(world: World, original: Any) -> Any:
    def describe(certificate: CertBundle) -> dict[str, Any]:
        answer: dict[str, Any] = original(certificate)
        if getattr(certificate, "told_at", 0.0) > world.timeline.now:
            for row in answer["Certificate"].get("DomainValidationOptions", ()):
                row.pop("ResourceRecord", None)
        return answer

    return describe


def _drop_certificate(world: World, original: Any) -> Any:
    def delete_certificate(backend: AWSCertificateManagerBackend, arn: str) -> Any:
        if backend.get_certificate(arn).in_use_by:
            raise JsonRESTError("ResourceInUseException", f"Certificate {arn} is in use.")
        return original(backend, arn)

    return delete_certificate


def _drop_namespace(world: World, original: Any) -> Any:
    def delete_namespace(backend: ServiceDiscoveryBackend, namespace_id: str) -> Any:
        if any(service.namespace_id == namespace_id for service in backend.services.values()):
            raise JsonRESTError("ResourceInUse", f"Namespace {namespace_id} has services.")
        return original(backend, namespace_id)

    return delete_namespace


def _drop_discovery(world: World, original: Any) -> Any:
    def delete_service(backend: ServiceDiscoveryBackend, service_id: str) -> Any:
        if service_id in backend.services and backend.services[service_id].instances:
            raise JsonRESTError("ResourceInUse", f"Service {service_id} has instances.")
        return original(backend, service_id)

    return delete_service


_MENDED: Final[tuple[tuple[Any, str, Mend], ...]] = (
    (EC2Backend, "create_nat_gateway", _make_nat),
    (EC2Backend, "delete_nat_gateway", _drop_nat),
    (EC2Backend, "delete_subnet", _drop_subnet),
    (EC2Backend, "delete_security_group", _drop_group),
    (EC2Backend, "detach_internet_gateway", _detach),
    (EC2Backend, "release_address", _release),
    (ELBv2Backend, "create_load_balancer", _make_balancer),
    (ELBv2Backend, "delete_load_balancer", _drop_balancer),
    (RDSBackend, "create_db_instance", _make_database),
    (RDSBackend, "delete_db_instance", _drop_database),
    (RDSBackend, "delete_subnet_group", _drop_subnet_group),
    (AWSCertificateManagerBackend, "request_certificate", _request),
    (AWSCertificateManagerBackend, "delete_certificate", _drop_certificate),
    (CertBundle, "check", _checked),
    (CertBundle, "describe", _told),
    (ServiceDiscoveryBackend, "delete_namespace", _drop_namespace),
    (ServiceDiscoveryBackend, "delete_service", _drop_discovery),
)
