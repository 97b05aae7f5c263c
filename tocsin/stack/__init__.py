"""The local stack: Kafka, PostgreSQL and the schema registry on one machine, without Docker."""
