"""Put on PYTHONPATH by relay.py, so that each process of a relay writes down where its time goes.

`RELAY_WATCH` is the folder for it: `PID.json` has processor seconds by thread, twice a second; with `RELAY_PROFILE`
`PID.stacks` has, at the end, how often each stack of the main thread was met, looked at once per millisecond of
processor time: unlike cProfile it makes nothing slower, and what others do on the machine is not counted.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

_STACKS: Counter[tuple[str, ...]] = Counter()
_TICK = 0.001
_LAST = [0.0]


def _watch(folder: Path) -> None:
    seen: dict[str, float] = {}
    while True:
        for each in threading.enumerate():
            if each.ident is not None:
                try:
                    seen[each.name] = time.clock_gettime(time.pthread_getcpuclockid(each.ident))
                except OSError:
                    continue
        beside = folder / f"{os.getpid()}.new"
        beside.write_text(json.dumps(seen))
        beside.replace(folder / f"{os.getpid()}.json")
        time.sleep(0.5)


def _look(_number: int, frame: FrameType | None) -> None:
    """Weigh the stack with the main thread's own processor time since the last look: other threads tick, too."""
    now = time.thread_time()
    spent, _LAST[0] = now - _LAST[0], now
    stack = []
    while frame is not None:
        stack.append(f"{frame.f_code.co_filename}:{frame.f_lineno}:{frame.f_code.co_name}")
        frame = frame.f_back
    _STACKS[tuple(stack)] += round(spent * 1e6)


def _dump(folder: Path) -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    (folder / f"{os.getpid()}.stacks").write_text(json.dumps([*_STACKS.items()]))


if "RELAY_WATCH" in os.environ:
    _folder = Path(os.environ["RELAY_WATCH"])
    threading.Thread(target=_watch, args=(_folder,), name="watch", daemon=True).start()
    if "RELAY_PROFILE" in os.environ:
        atexit.register(_dump, _folder)
        signal.signal(signal.SIGPROF, _look)
        signal.setitimer(signal.ITIMER_PROF, _TICK, _TICK)
