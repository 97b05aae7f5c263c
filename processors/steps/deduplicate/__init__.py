"""Recognise what other reports say of the same content."""
