"""Decide field by field what one recipient may see."""
