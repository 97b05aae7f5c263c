"""The ledger: one outcome per offset, so that what came in can be reconciled with what became of it."""
