"""What every plugin promises of the ESP's suppression lists and of erasing, as tests that its test class inherits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from penstock.adapters.http import HttpAdapter
from penstock.errors import AdapterUnavailable
from penstock.model.suppression import SuppressionReason
from penstock.ports import ErasureReceipt, EspErasure, EspLists, Listed
from penstock.testing.esp import FakeEsp, OnList

__all__ = ["ListsContract", "erased_by", "pulled_by", "pushed_by"]

_AT = datetime(2026, 10, 5, 7, 30, tzinfo=UTC)


async def pulled_by(adapter: HttpAdapter) -> list[Listed]:
    """All that the adapter's lists hold; the adapter is closed."""
    assert adapter.lists is not None
    try:
        return [each async for page in adapter.lists.pull() for each in page]
    finally:
        await adapter.aclose()


async def pushed_by(adapter: HttpAdapter, *addresses: str) -> None:
    """Put these on the adapter's list; the adapter is closed."""
    assert adapter.lists is not None
    try:
        await adapter.lists.push(addresses)
    finally:
        await adapter.aclose()


async def erased_by(adapter: HttpAdapter, *addresses: str) -> list[ErasureReceipt]:
    """Have these erased; the adapter is closed."""
    assert adapter.erasure is not None
    try:
        return [*await adapter.erasure.erase(addresses)]
    finally:
        await adapter.aclose()


class ListsContract(ABC):
    """Override `fake`, `adapter` and `lists`; leave `erases` False where the ESP has no such interface."""

    lists: ClassVar[Mapping[str, SuppressionReason | None]] = {}
    """The fake's lists and what an entry of each means; None: it must never become a suppression of ours."""
    pushes_to: ClassVar[str] = ""
    """The fake's list that takes our objections; empty where the ESP has none that is bound to a stream."""
    erases: ClassVar[bool] = False

    @abstractmethod
    def fake(self) -> FakeEsp:
        """A fresh fake of the ESP."""
        ...

    @abstractmethod
    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        """The plugin's adapter, pointed at the fake, told of the list to push to."""
        ...

    async def _pulled(self, fake: FakeEsp) -> list[Listed]:
        return await pulled_by(self.adapter(fake))

    async def test_every_list_is_read_to_its_last_page(self) -> None:
        """More entries than any page holds, each once, with the reason its list stands for."""
        async with self.fake() as fake:
            for name in self.lists:
                fake.listed += [OnList(name, f"p{n}+x@{name.lower()}.example", _AT) for n in range(1_203)]
            expected = {each.address: self.lists[each.list_name] for each in fake.listed}
            expected = {address: reason for address, reason in expected.items() if reason is not None}
            found = await self._pulled(fake)
            assert fake.refused == []
        assert {each.address: each.reason for each in found} == expected
        assert len(found) == len(expected)
        assert all(each.list_name for each in found)
        assert all(each.at is None or abs((each.at - _AT).total_seconds()) <= 86_400 for each in found)

    async def test_empty_lists_are_empty(self) -> None:
        """Nothing is made up."""
        async with self.fake() as fake:
            assert await self._pulled(fake) == []
            assert fake.refused == []

    async def test_a_wrong_key_is_told(self) -> None:
        """And not taken for empty lists."""
        async with self.fake() as fake:
            adapter = self.adapter(fake, key="wrong")
            assert adapter.lists is not None
            with pytest.raises(AdapterUnavailable) as told:
                _ = [page async for page in adapter.lists.pull()]
            await adapter.aclose()
        assert "wrong" not in str(told.value)

    async def test_objections_are_put_on_the_list_of_the_stream_only(self) -> None:
        """Twice does no harm; more than one call holds; transactional mail goes on."""
        async with self.fake() as fake:
            adapter = self.adapter(fake)
            lists: EspLists | None = adapter.lists
            assert lists is not None
            assert bool(lists.pushes_to) == bool(self.pushes_to)
            if self.pushes_to:
                addresses = [f"o{n}@firm.example" for n in range(1_100)]
                await lists.push(addresses)
                await lists.push(addresses[:3])
                await lists.push([])
                assert fake.refused == []
                assert {each.list_name for each in fake.listed} == {self.pushes_to}
                assert sorted({each.address for each in fake.listed}) == sorted(addresses)
                assert len(fake.listed) == len(addresses)
            await adapter.aclose()

    async def test_erasing_reaches_every_address_and_gives_receipts(self) -> None:
        """With more addresses than one request takes."""
        async with self.fake() as fake:
            adapter = self.adapter(fake)
            erasure: EspErasure | None = adapter.erasure
            assert (erasure is not None) == self.erases
            if erasure is not None:
                addresses = [f"e{n}@firm.example" for n in range(120)]
                receipts = await erasure.erase(addresses)
                assert fake.refused == []
                assert sorted(fake.erased) == sorted(addresses)
                assert receipts
                assert all(each.reference and "@" not in each.reference for each in receipts)
                assert await erasure.erase([]) == []
                assert erasure.erases
            await adapter.aclose()
