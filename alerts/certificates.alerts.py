"""Alerts on TLS certificates and on probes from outside."""

from obskit.ascode.alerts import Condition, alert

#: Who tells of a certificate has its own way of naming it; of each alert only the labels of one of them are set.
WHICH = "{instance}{dimension_CertificateArn}{certificate_arn}{subject_CN}"

_DAY = 86_400.0

RULES = (
    # Neither of the first two has cause="tls_failure": a certificate that still holds has broken nothing yet.
    alert(
        "CertificateNotRenewed",
        "certificates_expiry",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="the certificate of " + WHICH + " ends in {value}, not renewed",
        description=(
            "Renewal should have happened days ago and fails silently. For ACM the validation record is mostly gone"
            " from DNS; for an ACME client its log says what the challenge met."
        ),
        hold="1h",
        hold_reason="behind one name several servers exchange their certificates one after the other",
    ),
    alert(
        "CertificateExpiresInDays",
        "certificates_expiry",
        level=3 * _DAY,
        reason="the last moment at which a weekend can still be used: to have one issued by hand takes up to a day",
        severity="page",
        kind="cause",
        where=(
            Condition(signal="certificates_expiry", op=">", value=0, reason="from then on CertificateExpired tells"),
        ),
        summary="the certificate of " + WHICH + " expires in {value}",
        description=(
            "At that second every client refuses to connect, and there will be no other sign before."
            " Have a new one issued and attached today; renewal has been failing for weeks."
        ),
        hold="10m",
        hold_reason="a deployment that brings the new certificate along replaces the servers within minutes",
    ),
    alert(
        "CertificateExpired",
        "certificates_last_seen_expiry",
        severity="page",
        kind="cause",
        cause="tls_failure",
        summary="the certificate of " + WHICH + " has expired",
        description=(
            "Clients refuse to connect; nothing behind the certificate is broken and nothing else will help."
            " Attach a valid one: a new one from ACM takes minutes if its DNS record is in place."
        ),
        hold="15m",
        hold_reason="a date that has passed does not come back, but an exporter may write 0 where it has no answer",
    ),
    alert(
        "ProbeFailing",
        "certificates_probe_ok",
        severity="page",
        kind="symptom",
        summary="{instance} cannot be reached from outside: {value} of its probes succeed",
        description=(
            "Users that come the probe's way get nothing. Repeat it by hand: name, connection, TLS and answer fail"
            " in different words; if it works, the way from the prober is broken."
        ),
        hold="3m",
        hold_reason="a lost packet or a restart fails single probes; three minutes of them are no accident",
        keep="5m",
        keep_reason="an address that comes and goes is one trouble and shall page once",
    ),
    alert(
        "ProbeFailingInPart",
        "certificates_probe_ok",
        level="warn",
        severity="ticket",
        kind="symptom",
        where=(Condition(signal="certificates_probe_ok", op=">", value=0, reason="when all fail, ProbeFailing tells"),),
        summary="{value} of the probes of {instance} have succeeded for half an hour",
        description=(
            "From some places, or by one protocol (IPv6, HTTP), the address does not answer."
            " What the failing probes have in common is the fault."
        ),
        hold="30m",
        hold_reason="the network of one place has troubles of minutes that are nobody's here",
    ),
)
# No public mixin has alerts on certificates or probes. Watched, but nothing to alert on: how long a probe takes
# (certificates_probe_duration; who is slow behind it has alerts on latency).
