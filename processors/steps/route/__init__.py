"""Choose the members that a report concerns."""
