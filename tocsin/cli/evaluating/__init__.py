"""What `tocsin evaluate` is made of: from the JSON of a case to a submission, and how results are told."""
