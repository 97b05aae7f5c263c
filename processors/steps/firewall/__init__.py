"""Keep imagery and encoded payloads out of the exchange."""
