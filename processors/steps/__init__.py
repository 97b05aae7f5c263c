"""One step per folder; each rules.py is pure and no step knows another."""
