"""One file per place a referral can be delivered to."""
