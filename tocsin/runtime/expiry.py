"""When the certificate ends that a process shows the broker, as a metric: an alert comes before the outage."""

from pathlib import Path

from cryptography import x509

from tocsin.runtime import metrics


def show_expiry(certificate: Path | None) -> None:
    """Publish it; a file that cannot be read is for whoever connects with it to complain of."""
    if certificate is None:
        return
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return
    metrics.CERTIFICATE_EXPIRY.set(found.not_valid_after_utc.timestamp())
