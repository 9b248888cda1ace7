"""Penstock's way out through any backend of django-anymail."""

from penstock_anymail.deliver import adapter

__all__ = ["adapter"]
