"""Route 53 and the resolvers: do the services find whom they call."""

from obskit.checkup.probes.lines import told_of
from obskit.checkup.words import System

SYSTEM = System(name="dns", title="DNS", probes=(told_of("dns_failure", "names that do not resolve"),))
