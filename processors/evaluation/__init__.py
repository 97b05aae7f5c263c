"""Case files through the real steps without Kafka: what passed, what differs, and how well the rules tell apart."""
