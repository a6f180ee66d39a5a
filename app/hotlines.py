"""Hotlines: a tenant's telephone numbers, and the carrier accounts they hang on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from app.bus import Bus
from app.db import Database, Row, UniqueViolation
from app.errors import BadInput, Conflict, NotFound
from app.events import HotlineChanged
from app.tenants import Tenants

TWILIO = "twilio"
SHOWN_DIGITS = 4
"""The end of a number that stays readable where it is masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotline:
    """A telephone number that guests call."""

    number_e164: str
    tenant_id: str
    name: str
    language: str
    """Of the greeting, and of callers of whom nothing else is known."""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierAccount:
    """A tenant's account at the carrier."""

    tenant_id: str
    kind: str
    external_id: str
    """Twilio's AccountSid."""
    auth_tokens: tuple[str, ...] = field(repr=False)
    """What webhooks are signed with: the current one, and the next while rotating."""


class Hotlines:
    """The directory of numbers."""

    def __init__(self, database: Database, bus: Bus, tenants: Tenants) -> None:
        self._database = database
        self._bus = bus
        self._tenants = tenants

    async def all(self) -> list[Hotline]:
        """Every hotline of every tenant, by number."""
        async with self._database.shared().transaction() as conn:
            rows = await conn.fetch("select * from nightdesk.hotlines order by number_e164")
        return [_hotline(row) for row in rows]

    async def of_tenant(self, tenant_id: str) -> list[Hotline]:
        """A tenant's hotlines."""
        await self._tenants.get(tenant_id)
        return [hotline for hotline in await self.all() if hotline.tenant_id == tenant_id]

    async def add(self, tenant_id: str, number: str, *, name: str, language: str) -> Hotline:
        """Give a tenant a number.

        Raises:
            BadInput: no valid number in international form, or a language it does not speak.
            Conflict: the number is a hotline already.
        """
        tenant = await self._tenants.get(tenant_id)
        if language not in tenant.settings.language.supported:
            raise BadInput(f"{tenant_id} speaks {', '.join(tenant.settings.language.supported)}")
        hotline = Hotline(
            number_e164=e164(number), tenant_id=tenant_id, name=name, language=language
        )
        try:
            async with self._database.shared().transaction() as conn:
                await conn.execute(
                    """insert into nightdesk.hotlines (number_e164, tenant_id, name, language)
                       values ($1, $2, $3, $4)""",
                    hotline.number_e164, tenant_id, name, language,
                )  # fmt: skip
        except UniqueViolation as exc:
            raise Conflict(f"{hotline.number_e164} is a hotline already") from exc
        await self._bus.publish(HotlineChanged(tenant_id=tenant_id))
        return hotline

    async def remove(self, tenant_id: str, number: str) -> None:
        """Take a number away.

        Raises:
            NotFound: it is no hotline of this tenant.
        """
        async with self._database.shared().transaction() as conn:
            gone = await conn.fetchval(
                """delete from nightdesk.hotlines where number_e164 = $1 and tenant_id = $2
                   returning number_e164""",
                e164(number), tenant_id,
            )  # fmt: skip
        if gone is None:
            raise NotFound(f"{number} is no hotline of {tenant_id}")
        await self._bus.publish(HotlineChanged(tenant_id=tenant_id))

    async def set_carrier(
        self, tenant_id: str, *, account_sid: str, auth_tokens: tuple[str, ...]
    ) -> None:
        """Tell which carrier account a tenant's numbers hang on; tokens are kept encrypted.

        Raises:
            BadInput: there is no token.
            Conflict: the account is another tenant's.
        """
        if not auth_tokens or not all(auth_tokens):
            raise BadInput("a carrier account needs its auth token")
        tenant = await self._tenants.get(tenant_id)
        closed = tenant.keyring.close_mapping({"auth_tokens": list(auth_tokens)})
        async with self._database.shared().transaction() as conn:
            owner = await conn.fetchval(
                """insert into nightdesk.carrier_accounts
                       (tenant_id, kind, external_id, credentials)
                   values ($1, $2, $3, $4)
                   on conflict (kind, external_id) do update set credentials = excluded.credentials
                   where carrier_accounts.tenant_id = $1 returning tenant_id""",
                tenant_id, TWILIO, account_sid, closed,
            )  # fmt: skip
        if owner is None:
            raise Conflict(f"carrier account {account_sid} belongs to another tenant")
        await self._bus.publish(HotlineChanged(tenant_id=tenant_id))

    async def carriers(self) -> list[CarrierAccount]:
        """Every carrier account."""
        async with self._database.shared().transaction() as conn:
            rows = await conn.fetch("select * from nightdesk.carrier_accounts order by id")
        found = []
        for row in rows:
            tenant = await self._tenants.get(row["tenant_id"])
            opened = tenant.keyring.open_mapping(row["credentials"])
            found.append(
                CarrierAccount(
                    tenant_id=row["tenant_id"],
                    kind=row["kind"],
                    external_id=row["external_id"],
                    auth_tokens=tuple(opened["auth_tokens"]),
                )
            )
        return found


def e164(number: str) -> str:
    """A number in international form.

    Raises:
        BadInput: it is none.
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException as exc:
        raise BadInput(f"{number!r} is no number in international form, like +48221234567") from exc
    if not phonenumbers.is_possible_number(parsed):
        raise BadInput(f"{number!r} has too many or too few digits for its country")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def masked(number: str) -> str:
    """A number as people may see it beside others: its country and its last four digits."""
    try:
        country = f"+{phonenumbers.parse(number, None).country_code}"
    except phonenumbers.NumberParseException:
        country = ""
    hidden = max(0, len(number) - len(country) - SHOWN_DIGITS)
    return f"{country}{'•' * hidden}{number[len(country) + hidden :]}"


def _hotline(row: Row) -> Hotline:
    return Hotline(
        number_e164=row["number_e164"],
        tenant_id=row["tenant_id"],
        name=row["name"],
        language=row["language"],
        settings=row["settings"],
    )
