"""The delivery store: what a member received, where each delivery stands, and what is still to be answered."""
