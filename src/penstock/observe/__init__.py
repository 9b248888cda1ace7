"""What operators see of a running Penstock."""
