"""One folder per format that the outside world writes."""
