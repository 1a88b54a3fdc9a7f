"""Load balancers: are requests answered, fast, by targets that are all well."""

from obskit.checkup.probes import aws
from obskit.checkup.words import Probe, System

SYSTEM = System(
    name="alb",
    title="Application Load Balancer",
    topics=("alb", "alb_balancer"),
    tell=("alb_unhealthy_hosts", "alb_error_ratio", "alb_target_latency"),
    probes=(Probe(source="AWS", title="health of targets", ask=aws.targets),),
)
