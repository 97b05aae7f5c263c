"""Our own record as JSON, one report a line."""
