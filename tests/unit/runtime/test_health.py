"""Readiness follows signs of life, not mere existence."""

from tocsin.runtime.health import Health


def test_a_part_that_never_reported_is_stale() -> None:
    health = Health()
    health.expect("consumer", stale_after_seconds=5)
    assert health.stale(now_seconds=0) == ("consumer",)


def test_a_part_is_ready_until_its_last_beat_grows_too_old() -> None:
    health = Health()
    health.expect("consumer", stale_after_seconds=5)
    health.beat("consumer", now_seconds=100)
    assert health.stale(now_seconds=105) == ()
    assert health.stale(now_seconds=105.1) == ("consumer",)


def test_every_stale_part_is_named_in_order() -> None:
    health = Health()
    for part in ("database", "consumer"):
        health.expect(part, stale_after_seconds=1)
    assert health.stale(now_seconds=0) == ("consumer", "database")
