"""From the outside world to a member's reports topic: feeds, the journal and the intake loop."""
