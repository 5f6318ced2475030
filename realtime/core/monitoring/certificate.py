"""When the certificate of the site expires, as a metric: browsers refuse the site from then on."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography import x509
from django.conf import settings
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from realtime.core.metrics import registry

log = logging.getLogger("holdfast.certificate")

UNREADABLE: Final = 0.0  # expired since 1970, so that the alert fires


class CertificateExpiry(Collector):
    """Reads ``HOLDFAST_TLS_CERTIFICATE`` at each scrape, and parses it when it has changed."""

    def __init__(self) -> None:
        self._seen: tuple[str, int] | None = None
        self._expires = UNREADABLE
        self._warned = False

    def collect(self) -> Iterator[Metric]:
        """Yield the metric; without a sample where no certificate is named."""
        family = GaugeMetricFamily(
            "holdfast_certificate_expiry_timestamp_seconds",
            "When the certificate in HOLDFAST_TLS_CERTIFICATE expires (Unix time); 0: unreadable",
        )
        if path := settings.HOLDFAST_TLS_CERTIFICATE:
            family.add_metric([], self._read(Path(path)))
        yield family

    def _read(self, path: Path) -> float:
        try:
            version = str(path), path.stat().st_mtime_ns
            if version != self._seen:
                # The first of the chain is the site's own.
                found = x509.load_pem_x509_certificate(path.read_bytes())
                self._expires, self._seen = found.not_valid_after_utc.timestamp(), version
            self._warned = False
        except (OSError, ValueError) as error:
            if not self._warned:
                log.warning(
                    "HOLDFAST_TLS_CERTIFICATE cannot be read",
                    extra={"path": str(path), "error": repr(error)},
                )
            self._seen, self._expires, self._warned = None, UNREADABLE, True
        return self._expires


def register() -> None:
    """Add the metric to those of the process; called from ``AppConfig.ready``."""
    registry.register(CertificateExpiry())
