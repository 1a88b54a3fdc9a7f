"""TLS certificates: how long they last, as those who look at them from outside tell it.

A probe sees the certificate on the wire, AWS Certificate Manager and files only those that
are stored: where several are watched, the probe is asked first.
"""

from functools import partial

from obskit.model import Signal, Threshold, Variant

_signal = partial(
    Signal, topic="certificates", scope="shared", entity="certificates", bad="down", combine="min", weighed=False
)

_DAY = 86_400.0

SIGNALS = (
    _signal(
        id="certificates_expiry",
        weighed=True,
        title="time until a certificate expires",
        meaning=(
            "What is left of the certificate that ends first; 0 or less has expired and clients refuse it."
            " See why renewal failed: ACM's DNS validation record is gone, or the ACME client's log says."
        ),
        unit="seconds",
        floor=7 * _DAY,
        warn=Threshold(
            value=21 * _DAY, reason="ACM renews 60 days ahead and ACME clients 30: at 21 days renewal has failed"
        ),
        crit=Threshold(value=7 * _DAY, reason="a week leaves working days to have one issued by hand"),
        variants=(
            Variant(
                name="blackbox exporter",
                query="min by (instance) (probe_ssl_earliest_cert_expiry{$scope}) - time()",
                needs=("probe_ssl_earliest_cert_expiry",),
            ),
            Variant(
                name="CloudWatch exporter",
                # two exporters of this name label the ARN differently; ACM tells days, once a day
                query=(
                    f"{_DAY:.0f} * min by (dimension_CertificateArn, certificate_arn)"
                    " (aws_certificatemanager_days_to_expiry_minimum{$scope})"
                ),
                needs=("aws_certificatemanager_days_to_expiry_minimum",),
            ),
            Variant(
                name="x509 certificate exporter",
                query="min by (subject_CN, filepath, secret_name) (x509_cert_not_after{$scope}) - time()",
                needs=("x509_cert_not_after",),
            ),
        ),
    ),
    _signal(
        id="certificates_probe_ok",
        title="probe succeeds",
        meaning=(
            "0 while the blackbox exporter cannot reach the address as a user does."
            " If the service itself is well, look at DNS, the balancer's listener and the certificate."
        ),
        unit="ratio",
        floor=0.5,
        crit=Threshold(value=0, reason="who comes from outside is not served"),
        warn=Threshold(value=0.9, reason="of several probes of one address some fail"),
        variants=(
            Variant(
                name="blackbox exporter",
                query="avg by (instance) (probe_success{$scope})",
                needs=("probe_success",),
            ),
        ),
    ),
    _signal(
        id="certificates_probe_duration",
        title="time that a probe takes",
        meaning="DNS, connection, TLS and answer together, as from outside. If the service is fast, the way to it is slow.",
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.5,
        warn=Threshold(value=5, reason="half of a ten-second scrape_timeout, after which the probe counts as failed"),
        variants=(
            Variant(
                name="blackbox exporter",
                query="max by (instance) (probe_duration_seconds{$scope})",
                needs=("probe_duration_seconds",),
            ),
        ),
    ),
    _signal(
        id="certificates_last_seen_expiry",
        title="time until a certificate expires, as it was last seen",
        meaning=(
            "As the time until a certificate expires, but a probe's last answer counts for a day: a probe that checks"
            " certificates breaks off when one has expired, and then tells no date any more."
        ),
        unit="seconds",
        floor=7 * _DAY,
        crit=Threshold(value=0, reason="from this second on clients refuse it"),
        variants=(
            Variant(
                name="blackbox exporter",
                # and: the address is still probed, so a certificate that was retired is forgotten
                query=(
                    "min by (instance) (last_over_time(probe_ssl_earliest_cert_expiry{$scope}[1d])"
                    " and on (instance) probe_success{$scope}) - time()"
                ),
                needs=("probe_ssl_earliest_cert_expiry", "probe_success"),
            ),
            Variant(
                name="CloudWatch exporter",
                query=(
                    f"{_DAY:.0f} * min by (dimension_CertificateArn, certificate_arn)"
                    " (aws_certificatemanager_days_to_expiry_minimum{$scope})"
                ),
                needs=("aws_certificatemanager_days_to_expiry_minimum",),
            ),
            Variant(
                name="x509 certificate exporter",
                query="min by (subject_CN, filepath, secret_name) (x509_cert_not_after{$scope}) - time()",
                needs=("x509_cert_not_after",),
            ),
        ),
    ),
)
