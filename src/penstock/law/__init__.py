"""The rules of the world as data and pure functions."""
