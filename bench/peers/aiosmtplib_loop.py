"""Ready bytes through aiosmtplib's own `sendmail`, and nothing else; prints one JSON line.

    aiosmtplib_loop.py PORT MESSAGES CONNECTIONS

Connections are open before the time is taken; uvloop where it is installed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aiosmtplib import SMTP


class Ready(NamedTuple):
    sender: str
    recipient: str
    data: bytes


async def some(client: SMTP, work: Iterator[Ready]) -> None:
    for each in work:
        await client.sendmail(each.sender, [each.recipient], each.data)


async def sent(port: int, ready: list[Ready], connections: int) -> dict[str, float]:
    clients = [SMTP(hostname="127.0.0.1", port=port, local_hostname="client.example") for _ in range(connections)]
    for client in clients:
        await client.connect()
    work = iter(ready)
    wall, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*(some(client, work) for client in clients))
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    for client in clients:
        await client.quit()
    return {"mails": len(ready), "handed": len(ready), "seconds": wall, "processor": processor}


def main() -> None:
    port, messages, connections = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    with messages.open() as lines:
        records = [json.loads(line) for line in lines]
    ready = [Ready(each["sender"], each["recipient"], each["data"].encode("ascii")) for each in records]
    work = sent(port, ready, connections)
    try:
        import uvloop
    except ImportError:
        found = asyncio.run(work)
    else:
        found = uvloop.run(work)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
