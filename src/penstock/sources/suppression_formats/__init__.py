"""The export files of suppression lists that mail services give their customers: one table for each service."""
