"""Attacks by tools of others, run at night: what they ask is theirs, what must be answered is ours."""
