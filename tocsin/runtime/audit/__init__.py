"""What was decided, disclosed and read, as leaves of an RFC 9162 Merkle tree that nobody can rewrite unseen."""
