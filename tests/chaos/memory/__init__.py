"""A million reports through one exchange: whether memory stays flat, and what the disk holds."""
