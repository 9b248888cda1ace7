"""What the user configures: settings, keys and campaign files.

Import the modules when they are needed, not at start: they pull in pydantic-settings.
"""
