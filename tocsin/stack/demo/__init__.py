"""The demo: the whole exchange with simulated members, from publishing to the ledger, on one machine."""
