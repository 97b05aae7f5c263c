"""What turns bytes into records and back: one engine that works everywhere, and one that is compiled."""
