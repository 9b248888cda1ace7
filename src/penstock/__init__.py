"""Penstock: a compliance pipeline for outgoing B2B e-mail."""
