"""Local servers that behave as ESPs do, one file each."""
