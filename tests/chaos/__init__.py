"""Runs of the whole exchange under kills, and their verdict."""
