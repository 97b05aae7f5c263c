"""Frozen records, one file per published event."""
