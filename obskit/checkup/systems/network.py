"""VPC, routes and security groups: can services be reached, and do they trust whom they reach."""

from obskit.checkup.probes.lines import told_of
from obskit.checkup.words import System

SYSTEM = System(
    name="network",
    title="VPC, routes, security groups",
    probes=(
        told_of("network_unreachable", "networks that cannot be reached"),
        told_of("tls_failure", "TLS connections that fail"),
    ),
)
