"""The processes of a relay: which roles each runs, the doors they share, and who keeps them running."""
