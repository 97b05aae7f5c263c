"""`make bench-day`: a day's reports of CyberTipline, published at once, until the last sink has its copy."""
