"""Tocsin: an event-driven exchange for child-protection reports; metadata only, never imagery."""
