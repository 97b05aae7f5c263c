"""X-ARF v4 reports of the types csam and csem."""
