"""A second opinion on release: Cedar, written from the agreement tables by a reading of its own.

Nothing here imports the release step or the shapes of sharing.toml: a mistake must be made twice to go unnoticed.
"""
