"""How the program is pointed at a mail server of the test's own, and what that one got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.integration.scripted_sink import ScriptedSink

__all__ = ["arrived", "copies", "recipient", "way_out"]


def way_out(sink: ScriptedSink, options: str = "", /, **settings: str) -> Mapping[str, str]:
    """The environment that makes the sink the way out; other settings as `SECTION__KEY="value"`."""
    url = f"smtp://127.0.0.1:{sink.port}?tls=none{options}"
    return {"PENSTOCK__ADAPTERS__MAIN__URL": url, **{f"PENSTOCK__{key}": value for key, value in settings.items()}}


def recipient(command: str) -> str:
    """The address in a MAIL or RCPT command."""
    return command.partition("<")[2].partition(">")[0]


def copies(sink: ScriptedSink) -> Counter[str]:
    """How often each recipient's message came with its final dot."""
    return Counter(recipient(each.rcpt) for each in sink.received)


async def arrived(sink: ScriptedSink, number: int) -> None:
    """Return when so many messages have come, which is the middle of the work."""
    while len(sink.received) < number:
        sink.arrived.clear()
        await sink.arrived.wait()
