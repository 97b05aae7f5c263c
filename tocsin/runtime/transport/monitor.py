"""What Faust tells of its own doing, under our names; a Faust message is a slice, so this costs reports nothing."""

from typing import Any

from faust.sensors import Monitor

from tocsin.runtime import metrics


class SliceMonitor(Monitor):
    """Faust's monitor, which also counts rebalances; its bundled exporter breaks Prometheus' naming rules."""

    def on_rebalance_start(self, app: Any) -> dict[str, Any]:
        """Partitions are about to be taken away."""
        metrics.REBALANCES.labels(app.conf.id).inc()
        state: dict[str, Any] = super().on_rebalance_start(app)
        return state

    def on_rebalance_end(self, app: Any, state: dict[str, Any]) -> None:
        """Its new partitions are being read."""
        super().on_rebalance_end(app, state)
        metrics.REBALANCE_DURATION.labels(app.conf.id).observe(state["latency_end"])
