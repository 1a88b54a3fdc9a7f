"""Grafana's own database on the stack's PostgreSQL: made by an init container before Grafana starts.

Only that container is given the owner's password, and it ends before Grafana begins. What it does may be done
again at each start: role and database are made where they are missing, the password is always set, so that a
new one in the secret is a restart and nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obskit.deploy.containers._images import reference
from obskit.deploy.resource import Join, Ref
from obskit.deploy.services import Container

if TYPE_CHECKING:
    from obskit.deploy.spec import Database

#: Of the container.
NAME: Final = "database"
ROLE: Final = "grafana"
DATABASE: Final = "grafana"
#: The user ``postgres`` of the image on Alpine.
_USER: Final = "70:70"

#: ``\password`` lets psql itself make the SCRAM verifier, so that the password is in no statement, and in none that
#: PostgreSQL writes into its log because it failed or was slow; without a terminal psql reads it, twice, from where it
#: reads its commands. No command line has it either: the shell puts it into its own input. The owner of an instance
#: of RDS is no superuser: to give a database to a role it has to be a member of it. The lock, any number that nothing
#: else in the database locks, lets tasks that start at once do this one after the other.
SQL: Final = r"""
\set ON_ERROR_STOP on
SELECT pg_advisory_lock(7350211) \g /dev/null
SELECT 'CREATE ROLE grafana' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana') \gexec
ALTER ROLE grafana LOGIN;
\password grafana
$GRAFANA_PASSWORD
$GRAFANA_PASSWORD
GRANT grafana TO CURRENT_USER;
SELECT 'CREATE DATABASE grafana OWNER grafana'
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'grafana') \gexec
REVOKE ALL ON DATABASE grafana FROM PUBLIC;
"""


def container(database: Database) -> Container:
    """Return the init container; it waits for nothing but the database."""
    owner = Ref("secret.database", "arn")
    return Container(
        name=NAME,
        image=reference("postgres"),
        essential=False,
        entry_point=("/bin/sh", "-euc"),
        command=(f"psql --no-psqlrc --quiet <<SQL{SQL}SQL",),
        environment=(
            ("PGDATABASE", database.name),
            ("PGHOST", Ref("database.main", "endpoint")),
            ("PGPORT", Ref("database.main", "port")),
            ("PGSSLMODE", "require"),
        ),
        secrets=(
            ("GRAFANA_PASSWORD", Join((Ref("secret.grafana-database", "arn"), ":password::"))),
            ("PGPASSWORD", Join((owner, ":password::"))),
            ("PGUSER", Join((owner, ":username::"))),
        ),
        user=_USER,
    )
