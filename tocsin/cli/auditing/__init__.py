"""What commands say to the audit log, and how they show what it says."""
