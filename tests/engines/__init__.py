"""The compiled codec held against fastavro for longer than a test may take: `python -m tests.engines`."""
