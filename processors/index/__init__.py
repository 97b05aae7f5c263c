"""The claim on sightings: a port, and its PostgreSQL and in-memory adapters."""
