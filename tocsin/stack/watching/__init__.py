"""What ops teams watch: one list of panels, from which Grafana's dashboard and the ops page are made."""
