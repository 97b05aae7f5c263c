"""`make bench-fairness`: what one member that publishes everything at once costs nine others."""
