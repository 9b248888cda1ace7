"""Contacts from a file into the store, and what an operator must know of them."""
