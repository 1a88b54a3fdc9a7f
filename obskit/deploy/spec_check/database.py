"""PostgreSQL on RDS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from obskit.deploy.spec_check._problem import Problem, error, path_of, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import Database, StackSpec

#: Majors that RDS offers without extra charge for old age, and those that obskit was written for.
_MAJORS: Final = (14, 18)
_VERSION = re.compile(r"([0-9]{2})(\.[0-9]{1,2})?")
_INSTANCE = re.compile(r"db\.[a-z]+[0-9]+[a-z]*\.(micro|small|medium|large|[0-9]{0,2}xlarge)")
#: GiB of general purpose storage for PostgreSQL (RDS, CreateDBInstance).
_STORAGE: Final = (20, 65536)
_BACKUP_DAYS: Final = (0, 35)
#: It is the owner's name too, and RDS takes 16 letters of one.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,15}")
#: Words of SQL that PostgreSQL reserves, names that RDS keeps, and the database that Grafana has.
_SQL = (
    "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create "
    "current_date current_role current_time current_user default deferrable desc distinct do else end except false "
    "fetch for foreign from grant group having in initially intersect into lateral leading limit localtime not null "
    "offset on only or order placing primary references returning select session_user some symmetric table then to "
    "trailing true union unique user using variadic when where window with "
)
_RESERVED = frozenset((*_SQL.split(), "admin", "postgres", "rdsadmin", "template0", "template1", "grafana"))


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield what RDS would refuse, and who asks for a database that is not there."""
    del place
    if spec.database is None:
        for application in spec.applications:
            if application.database:
                key = path_of("applications", application.name, "database")
                yield error(key, True, "asks for a database that the stack has not", "false, or a section [database]")
        if any(watcher.name == "grafana" for watcher in spec.watchers):
            what = "leaves Grafana's users and dashboards on a disk that ends with its task"
            yield warning("database", False, what, "a section [database]")
        return
    yield from _sizes(spec.database)
    yield from _words(spec.database)
    yield from _risks(spec.database)


def _sizes(database: Database) -> Iterator[Problem]:
    least, most = _STORAGE
    if not least <= database.storage <= most:
        yield error("database.storage", database.storage, "is no size that RDS has", f"{least} to {most} (GiB)")
        return
    limit = database.storage_limit
    # RDS wants room for one step of growth: a tenth more than there is, rounded up.
    lowest = -(-database.storage * 11 // 10)
    if limit and not lowest <= limit <= most:
        allowed = f"{lowest} (a tenth above the storage) to {most} (GiB), or 0 for no growth"
        yield error("database.storage_limit", limit, "is no limit that RDS takes", allowed)
    least, most = _BACKUP_DAYS
    if not least <= database.backup_days <= most:
        yield error("database.backup_days", database.backup_days, "is no number of days", f"{least} to {most}")


def _words(database: Database) -> Iterator[Problem]:
    version = _VERSION.fullmatch(database.engine_version)
    least, most = _MAJORS
    if not version:
        allowed = 'a major version, or major.minor, in quotes: "16", "16.4"'
        yield error("database.engine_version", database.engine_version, "is no version of PostgreSQL", allowed)
    elif not least <= int(version[1]) <= most:
        yield error("database.engine_version", database.engine_version, "is not supported", f"{least} to {most}")
    if not _INSTANCE.fullmatch(database.instance):
        yield error("database.instance", database.instance, "is no instance class", "as in db.t4g.micro, db.m7g.large")
    if not _NAME.fullmatch(database.name):
        allowed = "1 to 16 small letters, digits and _, beginning with a letter"
        yield error("database.name", database.name, "is no name that RDS takes", allowed)
    elif database.name in _RESERVED or database.name.startswith(("pg_", "rds_")):
        yield error("database.name", database.name, "is taken by PostgreSQL, RDS or Grafana", "another name: app")


def _risks(database: Database) -> Iterator[Problem]:
    if not database.replica:
        what = "leaves no database for minutes when its zone or its machine fails"
        yield warning("database.replica", False, what, "true for a standby, at twice the price")
    if database.backup_days == 0:
        yield warning("database.backup_days", 0, "keeps no backup", "1 to 35")
    if not database.protected:
        yield warning("database.protected", False, "lets one call delete the data", "true")
