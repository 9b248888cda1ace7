"""A worked example of a Penstock plugin."""
