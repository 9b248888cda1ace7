"""What comes back: calls of ESPs, proved, kept and read."""
