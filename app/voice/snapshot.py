"""What ringing needs, in memory and on disk: numbers, and what their webhooks are signed with.

A webhook is decided from here alone, so a call is taken with the database down, and after a start
in that state too. The file is encrypted with the process's key.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from app.errors import Forbidden, Unavailable
from app.events import Event
from app.hotlines import Hotlines
from app.keys import Keyring

logger = logging.getLogger(__name__)

FILE = "hotlines.snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One hotline as ringing sees it."""

    number_e164: str
    tenant_id: str
    name: str
    language: str
    account_sid: str
    auth_tokens: tuple[str, ...] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)


class Snapshot:
    """Every number, ready without asking anybody."""

    def __init__(self, hotlines: Hotlines, keyring: Keyring, data_dir: Path) -> None:
        self._hotlines = hotlines
        self._keyring = keyring
        self._file = data_dir / FILE
        self._numbers: dict[str, Number] = {}
        self._refreshing = asyncio.Lock()

    def find(self, number: str) -> Number | None:
        """The hotline that was called; none where it is nobody's."""
        return self._numbers.get(number)

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Every hotline, by number."""
        return tuple(self._numbers[key] for key in sorted(self._numbers))

    def numbers_of(self, tenant_id: str) -> frozenset[str]:
        """The numbers of a tenant's hotlines."""
        return frozenset(
            key for key, number in self._numbers.items() if number.tenant_id == tenant_id
        )

    def load(self) -> None:
        """Read what was kept on disk; nothing where there is none, or it cannot be opened."""
        try:
            stored = orjson.loads(self._keyring.open(self._file.read_bytes()))
        except FileNotFoundError:
            return
        except (OSError, Forbidden, orjson.JSONDecodeError):
            logger.warning("the snapshot of hotlines cannot be read; it is made anew")
            return
        self._keep([Number(**{**row, "auth_tokens": tuple(row["auth_tokens"])}) for row in stored])

    async def refresh(self) -> None:
        """Read every number anew and keep it, in memory first."""
        async with self._refreshing:
            carriers = {account.tenant_id: account for account in await self._hotlines.carriers()}
            numbers = [
                Number(
                    number_e164=hotline.number_e164,
                    tenant_id=hotline.tenant_id,
                    name=hotline.name,
                    language=hotline.language,
                    account_sid=carriers[hotline.tenant_id].external_id,
                    auth_tokens=carriers[hotline.tenant_id].auth_tokens,
                    settings=dict(hotline.settings),
                )
                for hotline in await self._hotlines.all()
                if hotline.tenant_id in carriers
            ]
            self._keep(numbers)
            closed = self._keyring.close(orjson.dumps([asdict(number) for number in numbers]))
            await asyncio.to_thread(self._write, closed)

    async def on_changed(self, _: Event) -> None:
        """A number, its carrier or its tenant changed, here or in another process."""
        try:
            await self.refresh()
        except Unavailable:
            logger.warning("hotlines could not be read again; the known ones stay")

    def _keep(self, numbers: list[Number]) -> None:
        self._numbers = {number.number_e164: number for number in numbers}

    def _write(self, closed: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(closed)
        os.replace(fresh, self._file)
