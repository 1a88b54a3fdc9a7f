"""TLS certificates: how many days are left."""

from obskit.checkup.probes import aws
from obskit.checkup.words import Probe, System

SYSTEM = System(
    name="certificates",
    title="TLS certificates",
    topics=("certificates",),
    tell=("certificates_expiry",),
    probes=(Probe(source="AWS", title="certificates of ACM", ask=aws.certificates),),
)
