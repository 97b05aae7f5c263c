"""Cases of our own: each from a numbered fact of the domain, or from the generator's hidden truth."""
