"""On PYTHONPATH of the relay in chaos rounds: its processes are the shipped ones on a watched house."""

from __future__ import annotations

import os
import sys

if "PENSTOCK_CHAOS_CLAIM" in os.environ and "-c" in sys.orig_argv[:4]:  # a process of the relay, not its starter
    from tests.chaos.relay_watched import watch

    watch(os.environ)
