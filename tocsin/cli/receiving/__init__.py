"""What the commands of recipients are made of."""
