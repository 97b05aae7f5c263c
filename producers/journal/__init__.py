"""What a member has published and what it was told: written down before anything is sent."""
