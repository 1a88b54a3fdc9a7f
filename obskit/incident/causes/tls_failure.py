"""A TLS handshake fails: an expired, untrusted or wrong certificate."""

from obskit.incident.causes import Cause
from obskit.incident.causes._calls import callee, named
from obskit.incident.evidence import HINT, STRONG, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the handshake's errors; they name themselves."""
    case = Case("tls_failure", evidence)
    said = case.logs("tls_failure", weight=VERDICT)
    failing = evidence.worse("client_error_ratio") if said else None
    if said:
        case.finding(failing, HINT)
        case.finding(evidence.worse("http_error_ratio"), HINT)
        left = evidence.level("certificates_expiry")
        if left and left.peak <= 0:
            case.argue("a certificate has expired", STRONG)
    return case.close(service=callee(evidence, failing) if failing else named(evidence, "tls_failure"))


CAUSE = Cause(
    id="tls_failure",
    title="TLS handshakes fail",
    needs=("logs",),
    judge=judge,
    brings_about=(
        "dependency_down",
        "database_unreachable",
        "slow_dependency",
        "health_check_misconfigured",
        "cache_failure",
        "messaging_failure",
        "worker_saturation",
        "db_pool_exhausted",
        "one_bad_task",
        "cpu_saturation",
    ),
    next_steps=(
        Step(
            words="Read the certificate that the other side shows: until when, for whom, from whom",
            command="openssl s_client -connect HOST:443 -servername HOST </dev/null 2>/dev/null | openssl x509 -noout -dates -subject -issuer -ext subjectAltName",
        ),
        Step(
            words="Renew or re-import it",
            command="aws acm list-certificates --query \"CertificateSummaryList[?NotAfter<='DATE']\"",
        ),
        Step(words="Untrusted issuer: is the CA bundle in the image older than the certificate? (RDS rotates its CA)"),
    ),
    test=NextQuery(
        words="What does the handshake complain about?",
        language="LogQL",
        query='{service="$service"} |~ "certificate|x509|SSL|TLS"',
    ),
)
