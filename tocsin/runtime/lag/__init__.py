"""How far each consumer group is behind: read from the broker without reading a single record."""
