"""Tests of the alerts on certificates and probes. The clock of a test starts at the epoch, in 1970."""

from obskit.ascode.alerts import around, changing, fires, quiet, steady

DAY = 86_400
SHOP = {"instance": "https://shop.example"}
_PROBE = '{instance="https://shop.example",job="blackbox"}'


def lasting(seconds: float) -> dict[str, str]:
    """Return a certificate that always has so long to live, so that nothing depends on when it is looked at."""
    return {f"probe_ssl_earliest_cert_expiry{_PROBE}": changing(seconds, 1), f"probe_success{_PROBE}": steady(1)}


def probes(share: float) -> dict[str, str]:
    """Return which share of an address's probes succeeds."""
    return {f"probe_success{_PROBE}": steady(share)}


TESTS = (
    around("CertificateNotRenewed", lasting, labels={**SHOP, "severity": "ticket"}),
    fires(
        "CertificateNotRenewed",
        {'aws_certificatemanager_days_to_expiry_minimum{dimension_CertificateArn="arn:shop"}': steady(14)},
        at="2h",
        why="ACM tells days, and no probe is needed",
        labels={"dimension_CertificateArn": "arn:shop"},
    ),
    quiet(
        "CertificateNotRenewed",
        {f"probe_ssl_earliest_cert_expiry{_PROBE}": f"{10 * DAY}x100 {90 * DAY}x10 " * 4},
        at="50m",
        why="servers exchange their certificates one after the other",
    ),
    around("CertificateExpiresInDays", lasting, labels={**SHOP, "severity": "page"}),
    quiet("CertificateExpiresInDays", lasting(-60), at="1h", why="once it has expired, the other page tells"),
    around("CertificateExpired", lasting, labels={**SHOP, "severity": "page"}, bad=0, good=1),
    fires(
        "CertificateExpired",
        {f"probe_ssl_earliest_cert_expiry{_PROBE}": "1800x120 _x400", f"probe_success{_PROBE}": "1x120 0x400"},
        at="46m",
        why="a probe that checks the certificate breaks off and tells no date from then on",
        labels=SHOP,
    ),
    quiet(
        "CertificateExpired",
        {f"probe_ssl_earliest_cert_expiry{_PROBE}": "1800x100 _x400", f"probe_success{_PROBE}": "1x100 _x400"},
        at="40m",
        why="an address that is no longer probed was retired with its certificate",
    ),
    quiet(
        "CertificateExpired",
        {f"probe_ssl_earliest_cert_expiry{_PROBE}": f"1800x100 {90 * DAY}x400", f"probe_success{_PROBE}": steady(1)},
        at="40m",
        why="it was renewed in its last minutes",
    ),
    quiet(
        "CertificateExpired",
        {
            f"probe_ssl_earliest_cert_expiry{_PROBE}": f"{90 * DAY}x100 0x2 {90 * DAY}x400",
            f"probe_success{_PROBE}": steady(1),
        },
        at="25m45s",
        why="an exporter that has no answer may write 0 twice",
    ),
    around("ProbeFailing", probes, labels={**SHOP, "severity": "page"}, bad=0, good=0.5),
    fires("ProbeFailing", {f"probe_success{_PROBE}": "0x79 1x100"}, at="24m15s", why="it may go again"),
    quiet("ProbeFailing", {f"probe_success{_PROBE}": "0x79 1x100"}, at="26m", why="it has come back to stay"),
    quiet("ProbeFailing", {f"probe_success{_PROBE}": "1x10 0x8 1x100"}, at="5m", why="a restart of two minutes"),
    quiet(
        "ProbeFailing",
        {f"probe_success{_PROBE}": steady(0), 'probe_success{instance="https://shop.example",job="far"}': steady(1)},
        at="10m",
        why="one of two places reaches it",
    ),
    around("ProbeFailingInPart", probes, labels={**SHOP, "severity": "ticket"}, far=0.3),
    quiet("ProbeFailingInPart", probes(0), at="2h", why="when all fail, the page tells"),
)
