"""What the long-running commands share: where they serve metrics, life and readiness."""
