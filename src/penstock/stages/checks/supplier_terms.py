"""Whether the data of somebody who sells or lends addresses may be used at all."""

from __future__ import annotations

from datetime import date

from penstock.law.clocks import months_after
from penstock.model.codes import Code
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import Supplier

__all__ = ["against_supplier"]

_NAME = "provenance"
_FACTS = Facts(("source.supplier",))
_RULE = "GDPR Art. 5(2); suppliers"


def against_supplier(name: str, supplier: Supplier | None, today: date, months: int) -> tuple[Reason, ...]:
    """What stands against every record of the supplier called `name`; nothing for one in order.

    None is a supplier that nobody listed. Its data may be `months` old, to the day.
    """
    if supplier is None:
        why = f"Nobody approved the supplier {name}."
        return (Reason(_NAME, Verdict.BLOCK, Code.SOURCE_FORBIDDEN, why, _FACTS, _RULE),)
    if supplier.status not in ("approved", "probation"):
        why = f"The supplier {name} may not be used: its status is {supplier.status}."
        return (Reason(_NAME, Verdict.BLOCK, Code.SOURCE_FORBIDDEN, why, _FACTS, _RULE),)
    against = []
    if supplier.status == "probation":
        why = f"The supplier {name} is on probation; a person must look at each of its addresses."
        against.append(Reason(_NAME, Verdict.HOLD, Code.SOURCE_MISSING, why, _FACTS, _RULE))
    if not supplier.contract.strip():
        why = f"No contract with the supplier {name} is on record."
        against.append(Reason(_NAME, Verdict.HOLD, Code.SOURCE_MISSING, why, _FACTS, _RULE))
    if why := _outdated(name, supplier.last_refresh, today, months):
        rule = "GDPR Art. 5(1)(d); policy.supplier_refresh_months"
        against.append(Reason(_NAME, Verdict.HOLD, Code.UNVERIFIED, why, _FACTS, rule))
    return tuple(against)


def _outdated(name: str, refreshed: date | None, today: date, months: int) -> str:
    if refreshed is None or refreshed > today:
        return f"Nobody knows when the supplier {name} last brought its data up to date."
    if months_after(refreshed, months) < today:
        return f"The supplier {name} last brought its data up to date on {refreshed}, more than {months} months ago."
    return ""
