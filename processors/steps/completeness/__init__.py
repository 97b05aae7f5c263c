"""Say what a report lacks, apart from how urgent it is."""
