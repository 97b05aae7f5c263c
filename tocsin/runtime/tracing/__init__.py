"""The way of a report from producer to sink as a trace, where an operator switches it on (ADR 0042)."""
