"""`make bench-deliver`: what one delivery costs a process in CPU, from its topic to a folder, without a broker."""
