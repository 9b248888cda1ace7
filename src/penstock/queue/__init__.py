"""Ready work as claim checks: which mail is due, and who holds it."""
