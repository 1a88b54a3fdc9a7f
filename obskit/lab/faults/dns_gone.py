"""Names cannot be resolved: the shop asks the machine's real resolver for names that do not exist.

The one fault that leaves the machine: its resolver may ask another one. The words of the error are the resolver's too:
"Name or service not known" where it answers, "Temporary failure in name resolution" where there is no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.settings import SHOP

#: RFC 6761: a name below ``invalid`` does not exist, whoever is asked. The resolver of the machine is not the lab's
#: to break, so the shop's addresses are those of services whose records are gone.
_PAYMENT: Final = "http://payment.lab.invalid:8080"
_DATABASE: Final = "database.lab.invalid:5432"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsGone(Fault):
    """One name, or all."""

    def start(self, lab: Lab, strength: float) -> str:
        """Let the payment service's name be gone, and the database's too."""
        lab.break_it(SHOP, "bad_dependency", 1, target=_PAYMENT)
        if strength > 1:
            lab.break_it(SHOP, "bad_database", 1, target=_DATABASE)
        return ""

    def stop(self, lab: Lab) -> None:
        """Let them be found again."""
        lab.mend(SHOP, "bad_dependency")
        lab.mend(SHOP, "bad_database")


FAULT = DnsGone(
    id="dns_gone",
    title="names are not found",
    truth=Truth(cause="dns_failure"),
    strengths=(1.0, 2.0),
    unit="1: the payment service's; 2: the database's too",
)
