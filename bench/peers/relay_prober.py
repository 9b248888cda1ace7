"""One session that hands small mails to a relay until its input ends; prints the seconds that each took as JSON.

relay_prober.py PORT LETTER FIRST
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from pathlib import Path

_PAUSE = 0.01


def main() -> None:
    port, letter, first = int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), int(sys.argv[3])
    waits = []
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as replies:

        def said(command: bytes) -> None:
            connection.sendall(command)
            while (line := replies.readline())[3:4] == b"-":
                pass
            assert line[:1] in b"23", line

        said(b"")
        said(b"EHLO prober.example\r\n")
        number = first
        while not select.select([sys.stdin], [], [], _PAUSE)[0]:
            began = time.perf_counter()
            said(b"MAIL FROM:<eva.berg@nordlicht.example>\r\n")
            said(b"RCPT TO:<%dperson@firm.example>\r\n" % number)
            said(b"DATA\r\n")
            said(letter + b".\r\n")
            waits.append(time.perf_counter() - began)
            number += 1
        said(b"QUIT\r\n")
    print(json.dumps(waits))


if __name__ == "__main__":
    main()
