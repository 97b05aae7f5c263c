"""What every stage stands on: transport, producer, database, ledger, metrics, logs and health."""
