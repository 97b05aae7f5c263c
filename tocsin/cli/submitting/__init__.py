"""What the commands of submitters share: how they speak, and how they end."""
