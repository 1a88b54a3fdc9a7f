"""A certificate authority for one lab, and the one server certificate that it gives out again and again."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obskit.lab.wire import HOST

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder, KeyUsage

_YEARS: Final = timedelta(days=3650)
#: How long a certificate that has ended was valid before.
_YEAR: Final = timedelta(days=365)
_GOOD_DAYS: Final = 90.0


class Authority:
    """Vouches for one server on loopback.

    Args:
        folder: Is made; the key in it is readable by its owner only.

    Attributes:
        path: The authority's own certificate, for those who shall trust it.
        context: With the server's certificate of the moment.
    """

    def __init__(self, folder: Path) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization

        folder.mkdir(mode=0o700)
        now = datetime.now(UTC)
        self._key = _new_key()
        builder = _builder("lab authority", "lab authority", self._key, now - _YEARS, now + _YEARS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_may_sign(), critical=True)
        self._own = _signed(builder, self._key)
        self._folder = folder
        self.path = folder / "authority.pem"
        self.path.write_bytes(self._own.public_bytes(serialization.Encoding.PEM))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.certify(_GOOD_DAYS)

    def certify(self, days: float) -> None:
        """Give the server a new certificate; connections that are open stay so.

        Args:
            days: How long it is valid from now on; it has ended so many days ago where negative.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization

        key = _new_key()
        until = datetime.now(UTC) + timedelta(days=days)
        builder = _builder("payment", "lab authority", key, until - _YEAR, until)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")])
        # Strict verifiers, as Python's since 3.13, want to know which key has signed.
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = _signed(
            builder.add_extension(names, critical=False).add_extension(signer, critical=False), self._key
        )
        path = self._folder / "server.pem"
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        self.context.load_cert_chain(path)


def _may_sign() -> KeyUsage:
    from cryptography import x509

    words = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    others = dict.fromkeys((*words, "crl_sign", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(key_cert_sign=True, **others)


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _builder(
    subject: str, issuer: str, key: EllipticCurvePrivateKey, begin: datetime, end: datetime
) -> CertificateBuilder:
    from cryptography import x509

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder(subject_name=named(subject), issuer_name=named(issuer), public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signed(builder: CertificateBuilder, key: EllipticCurvePrivateKey) -> Certificate:
    from cryptography.hazmat.primitives import hashes

    return builder.sign(key, hashes.SHA256())
