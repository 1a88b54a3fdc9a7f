"""What fires in Prometheus now."""

from obskit.checkup.probes.firing import firing
from obskit.checkup.words import Probe, System

SYSTEM = System(
    name="alerts", title="alerts of Prometheus", probes=(Probe(source="Prometheus", title="alerts firing", ask=firing),)
)
