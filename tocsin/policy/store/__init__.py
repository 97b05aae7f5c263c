"""Every bundle that was ever in force, and since when: content-addressed, signed by two, verified on every load."""
