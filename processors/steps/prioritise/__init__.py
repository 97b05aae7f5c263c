"""Rank a report by gates, weighted factors and caps."""
