"""`make bench-growth`: how throughput changes with partitions, with the index, with members, and with workers."""
