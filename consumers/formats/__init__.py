"""One pure function per format a referral can be written in."""
