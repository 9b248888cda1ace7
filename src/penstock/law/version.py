"""The version of the rule tables that decisions name."""

from __future__ import annotations

__all__ = ["POLICY"]

POLICY = "2026-11"
