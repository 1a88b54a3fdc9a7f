"""The certificate of the payment service has expired; the shop, which reaches it by TLS, refuses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.settings import PAYMENT

_GOOD_DAYS: Final = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateExpired(Fault):
    """A real certificate of a real authority, whose time is over."""

    def start(self, lab: Lab, strength: float) -> str:
        """Show a certificate that ended so many days ago."""
        lab.certify(-strength)
        return ""

    def stop(self, lab: Lab) -> None:
        """Show one that is valid."""
        lab.certify(_GOOD_DAYS)


FAULT = CertificateExpired(
    id="certificate_expired",
    title="the payment service's certificate has expired",
    truth=Truth(cause="tls_failure", culprit=PAYMENT),
    strengths=(0.01, 30.0),
    unit="days since its end",
    settings={"tls": True},
)
