"""What `tocsin policy` shows: pages and tables made of the policy bundle; pure."""
