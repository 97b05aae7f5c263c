"""What people sign: members, jurisdictions, legal map, sharing agreements and rules, as dated data."""
