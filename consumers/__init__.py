"""From a member's topics to its sinks: the inbox, the courier, the sinks and the formats."""
