"""Connections are counted in all and by client."""

from __future__ import annotations

import pytest

from penstock.intake.smtp_quota import ConnectionQuota, client_key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_an_ipv6_client_counts_by_its_64_and_a_mapped_one_as_ipv4(one: str, other: str, same: bool) -> None:
    assert (client_key(one) == client_key(other)) is same


def test_what_is_given_back_can_be_taken_again() -> None:
    quota = ConnectionQuota(2, 1)
    assert [quota.take(), quota.take(), quota.take()] == [True, True, False]
    quota.give_back()
    assert quota.take()
    assert [quota.take_of("a"), quota.take_of("a"), quota.take_of("b")] == [True, False, True]
    quota.give_back_of("a")
    assert quota.take_of("a")


def test_a_client_that_has_gone_leaves_nothing_behind() -> None:
    quota = ConnectionQuota(9, 9)
    for number in range(1_000):
        quota.take_of(str(number))
        quota.give_back_of(str(number))
    assert not quota._of
