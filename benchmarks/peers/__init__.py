"""`make bench-peers`: the same job done by Tocsin and by what one would take instead, on one Kafka (ADR 0053)."""
