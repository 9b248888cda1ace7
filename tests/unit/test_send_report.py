"""Several runs told as one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from penstock.send_report import SendReport, added_up


def test_runs_add_up_to_one_report() -> None:
    one = SendReport("a", 3, Counter({("send", ""): 2, ("hold", "STALE"): 1}), Counter(accepted=2), 1, 2, {"x": 1})
    two = SendReport("b", 1, Counter({("send", ""): 1}), Counter(accepted=1), reject_file=Path("b.jsonl"))
    whole = added_up([one, two])
    assert (whole.campaign, whole.rows, whole.already_sent, whole.waiting) == ("a, b", 4, 1, 2)
    assert whole.decisions == {("send", ""): 3, ("hold", "STALE"): 1}
    assert whole.outcomes == {"accepted": 3}
    assert whole.dropped_columns == {"x": 1}
    assert whole.reject_file == Path("b.jsonl")
    assert not whole.interrupted
