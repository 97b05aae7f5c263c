"""The batch transport: Faust gives membership and flow control, a stage gets slices of raw records (ADR 0001)."""
