"""Whatever bytes come in: no crash, no hang, no memory beyond a bound."""
