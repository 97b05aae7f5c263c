"""The doctor: what a home's exchange should be like, what it is like, and the next command to run."""
