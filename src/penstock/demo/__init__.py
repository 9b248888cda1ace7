"""The demo: the main job on shipped sample data."""
