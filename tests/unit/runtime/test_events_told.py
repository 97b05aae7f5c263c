"""What happened to a worker, as a scrape sees it: a rebalance, a certificate, how far it has come."""

import time
from pathlib import Path

import faust
from cryptography import x509

from tocsin.runtime import metrics
from tocsin.runtime.expiry import show_expiry
from tocsin.runtime.metrics import REGISTRY
from tocsin.runtime.transport.monitor import SliceMonitor
from tocsin.stack.certificates import Authority

GROUP = "triage.normal"


def told(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def test_a_rebalance_is_counted_when_it_begins_and_timed_when_it_ends() -> None:
    app, monitor = faust.App(GROUP, broker="kafka://127.0.0.1:1"), SliceMonitor()
    counted, timed = "tocsin_rebalances_total", "tocsin_rebalance_duration_seconds"
    before = told(counted, group=GROUP), told(f"{timed}_count", group=GROUP), told(f"{timed}_sum", group=GROUP)
    state = monitor.on_rebalance_start(app)
    assert told(counted, group=GROUP) - before[0] == 1
    assert told(f"{timed}_count", group=GROUP) == before[1]
    monitor.on_rebalance_return(app, state)
    time.sleep(0.01)
    monitor.on_rebalance_end(app, state)
    assert told(f"{timed}_count", group=GROUP) - before[1] == 1
    assert 0.01 <= told(f"{timed}_sum", group=GROUP) - before[2] < 10


def test_the_end_of_a_certificate_is_told_and_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    name = "tocsin_certificate_expiry_timestamp_seconds"
    metrics.CERTIFICATE_EXPIRY.set(0)
    shown = Authority(tmp_path).pair("triage").certificate
    ends = x509.load_pem_x509_certificate(shown.read_bytes()).not_valid_after_utc.timestamp()
    show_expiry(shown)
    assert told(name) == ends > time.time()
    (tmp_path / "broken.pem").write_text("no certificate")
    for other in (None, tmp_path / "broken.pem", tmp_path / "missing.pem"):
        show_expiry(other)
        assert told(name) == ends
    metrics.CERTIFICATE_EXPIRY.set(0)


def test_the_watermark_moves_with_what_is_settled_and_so_does_the_newest_record_of_a_member() -> None:
    for newest_ms in (5_000, 7_500):
        metrics.slice_settled("triage", "reports.ngo-b.submitted.v1", newest_ms)
        assert told("tocsin_watermark_timestamp_seconds", stage="triage") == newest_ms / 1000
        assert told("tocsin_source_newest_timestamp_seconds", stage="triage", member="ngo-b") == newest_ms / 1000
    metrics.slice_settled("triage", "rulings.v1", 9_000)
    assert told("tocsin_watermark_timestamp_seconds", stage="triage") == 9
    assert told("tocsin_source_newest_timestamp_seconds", stage="triage", member="ngo-b") == 7.5
