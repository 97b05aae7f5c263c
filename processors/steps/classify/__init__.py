"""Turn neutral labels into one verdict per jurisdiction."""
