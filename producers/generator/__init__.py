"""Synthetic reports: hidden true cases, seen through the noise of those who report them."""
