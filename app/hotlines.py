"""Hotlines: a tenant's telephone numbers, and the carrier accounts they hang on."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from app.bus import Bus
from app.db import Database, Row, UniqueViolation
from app.errors import BadInput, Conflict, NotFound, ProductError
from app.events import HotlineChanged
from app.tenants import Tenants

logger = logging.getLogger(__name__)

TWILIO = "twilio"
CARRIER_PATHS = {
    "A call comes in": "/twilio/voice",
    "Primary handler fails": "/twilio/fallback",
    "Call status changes": "/twilio/status",
}
"""What a number is told at the carrier, each by HTTP POST: as its console calls it → path."""
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
            Conflict: the number is a hotline already, of this tenant or another.
        """
        await self._check_language(tenant_id, language)
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
            own = {known.number_e164 for known in await self.of_tenant(tenant_id)}
            whose = tenant_id if hotline.number_e164 in own else "another tenant"
            raise Conflict(f"{hotline.number_e164} is a hotline of {whose} already") from exc
        await self._bus.publish(HotlineChanged(tenant_id=tenant_id))
        return hotline

    async def set(
        self, tenant_id: str, number: str, *, name: str | None = None, language: str | None = None
    ) -> Hotline:
        """Give a hotline another name or language; what is not given stays.

        Raises:
            BadInput: a language the tenant does not speak.
            NotFound: it is no hotline of this tenant.
        """
        if language is not None:
            await self._check_language(tenant_id, language)
        async with self._database.shared().transaction() as conn:
            row = await conn.fetchrow(
                """update nightdesk.hotlines
                   set name = coalesce($3, name), language = coalesce($4, language)
                   where number_e164 = $1 and tenant_id = $2 returning *""",
                e164(number), tenant_id, name, language,
            )  # fmt: skip
        if row is None:
            raise NotFound(f"{number} is no hotline of {tenant_id}")
        await self._bus.publish(HotlineChanged(tenant_id=tenant_id))
        return _hotline(row)

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
        """Tell which carrier account a tenant's numbers hang on, instead of any before.

        Tokens are kept encrypted.

        Raises:
            BadInput: there is no token.
            Conflict: the account is another tenant's.
        """
        if not auth_tokens or not all(auth_tokens):
            raise BadInput("a carrier account needs its auth token")
        tenant = await self._tenants.get(tenant_id)
        closed = tenant.keyring.close_mapping({"auth_tokens": list(auth_tokens)})
        async with self._database.shared().transaction() as conn:
            await conn.execute(
                """delete from nightdesk.carrier_accounts
                   where tenant_id = $1 and kind = $2 and external_id <> $3""",
                tenant_id, TWILIO, account_sid,
            )  # fmt: skip
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

    async def carrier_of(self, tenant_id: str) -> CarrierAccount | None:
        """A tenant's carrier account."""
        async with self._database.shared().transaction() as conn:
            row = await conn.fetchrow(
                "select * from nightdesk.carrier_accounts where tenant_id = $1", tenant_id
            )
        return await self._carrier(row) if row else None

    async def carriers(self) -> list[CarrierAccount]:
        """Every carrier account that can be opened."""
        async with self._database.shared().transaction() as conn:
            rows = await conn.fetch("select * from nightdesk.carrier_accounts order by id")
        found = []
        for row in rows:
            try:
                found.append(await self._carrier(row))
            except ProductError as exc:
                # One tenant's account keeps nobody else's telephone from ringing.
                logger.error("a carrier account cannot be used", extra={"why": str(exc)})
        return found

    async def _carrier(self, row: Row) -> CarrierAccount:
        tenant = await self._tenants.get(row["tenant_id"])
        opened = tenant.keyring.open_mapping(row["credentials"])
        return CarrierAccount(
            tenant_id=row["tenant_id"],
            kind=row["kind"],
            external_id=row["external_id"],
            auth_tokens=tuple(opened["auth_tokens"]),
        )

    async def _check_language(self, tenant_id: str, language: str) -> None:
        tenant = await self._tenants.get(tenant_id)
        if language not in tenant.settings.language.supported:
            raise BadInput(f"{tenant_id} speaks {', '.join(tenant.settings.language.supported)}")


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
