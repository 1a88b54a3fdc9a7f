"""IAM roles and secrets: is a service refused what it needs."""

from obskit.checkup.probes.lines import told_of
from obskit.checkup.words import System

SYSTEM = System(
    name="iam",
    title="IAM roles, secrets",
    probes=(
        told_of("access_denied", "calls that AWS refuses"),
        told_of("db_credentials_refused", "logins that the database refuses"),
    ),
)
