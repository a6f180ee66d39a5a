"""Canaries in everything that is gated, and in all that must be dropped, of one account."""

from dataclasses import dataclass, field
from typing import Any, Literal

from app.sim.hostaway_store import Account
from tests.canaries import Canaries

Kind = Literal["secret", "gated", "dropped"]
Row = dict[str, Any]

CUSTOM = (
    "161=parking:public", "162=lockbox_code:secret", "163=lift_note:gated",
)  # fmt: skip
"""The tenant's custom fields; those it does not name, 164 and 165, are gated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A canary, and whose it is."""

    value: str
    kind: Kind
    owner: str


@dataclass
class Garden:
    """Plants canaries and remembers them."""

    made: Canaries = field(default_factory=lambda: Canaries(4))
    plants: list[Plant] = field(default_factory=list)

    def listing(self, row: Row) -> None:
        """Everything of a listing."""
        owner = f"listing {row['id']}"
        static, wifi, lockbox, gate = (
            self._secret(owner, value)
            for value in (
                self.made.code(),
                self.made.password(),
                self.made.code(),
                self.made.code(),
            )
        )
        row |= {
            "doorSecurityCode": f"{static}#",
            "wifiPassword": wifi,
            "specialInstruction": f"Walk past the {self._gated(owner)} fountain, then ring twice. "
            f"Gate code: {gate}.",
            "keyPickup": f"The spare key is with {self._gated(owner)} in the kiosk at the corner.",
            "airbnbAccess": f"You have the whole {self._gated(owner)} floor to yourselves.",
            "address": f"ul. {self._gated(owner)} 17/4, 00-950 Warszawa",
            "houseRules": f"No parties. Staff only: door code {static}, wifi {wifi}.",
            "internalListingName": f"Flat {row['id']} ({static})",
            "cleaningInstruction": f"Linen from {self._dropped(owner)}.",
            "contactEmail": f"{self._dropped(owner).lower()}@example.org",
            "contactAddress": f"ul. {self._dropped(owner)} 3",
            "street": f"{self._dropped(owner)} 17",
            "customFieldValues": [
                {"customFieldId": 161, "value": "Garage B2, level minus one"},
                {"customFieldId": 162, "value": lockbox},
                {
                    "customFieldId": 163,
                    "value": f"The lift stops at the {self._gated(owner)} ramp.",
                },
                {"customFieldId": 164, "value": f"Ask for {self._gated(owner)} at the desk."},
            ],
        }

    def reservation(self, row: Row) -> Row:
        """Everything of a booking."""
        owner = f"reservation {row['id']}"
        code = self._secret(owner, self.made.code())
        return {
            "doorCode": code,
            "doorCodeInstruction": f"Hold the {self._gated(owner)} handle while you turn the knob.",
            "guestPortalUrl": self._secret(
                owner, f"https://portal.example/g/{self.made.word().lower()}"
            ),
            "guestName": f"{row.get('guestName') or 'Jan Testowy'} (code {code})",
            "hostNote": f"Paid in cash, {self._dropped(owner)}, code {code}",
            "guestNote": self._dropped(owner),
            "comment": self._dropped(owner),
            "guestEmail": f"{self._dropped(owner).lower()}@guest.example",
            "guestAddress": f"{self._dropped(owner)} 1",
            "guestAuthHash": self._dropped(owner),
            "ccName": self._dropped(owner),
            "ccNumber": self._drop(owner, f"4{self.made.code(15)}"),
            "stripeGuestId": self._dropped(owner),
            "bookingcomSpecialRequests": self._dropped(owner),
            "customFieldValues": [
                {"customFieldId": 165, "value": f"Floor of {self._gated(owner)}, second door."}
            ],
        }

    def account(self, account: Account) -> None:
        """Everything that an account holds."""
        for row in account.listings.values():
            self.listing(row)
        for row in account.reservations.values():
            row |= self.reservation(row)

    def of(self, kind: Kind, *owners: str) -> list[str]:
        """The canaries of a kind, of some owners or of all."""
        return [
            p.value for p in self.plants if p.kind == kind and (not owners or p.owner in owners)
        ]

    def besides(self, kind: Kind, *owners: str) -> list[str]:
        """The canaries of a kind of all other owners."""
        return [p.value for p in self.plants if p.kind == kind and p.owner not in owners]

    def _secret(self, owner: str, value: str) -> str:
        self.plants.append(Plant(value=value, kind="secret", owner=owner))
        return value

    def _gated(self, owner: str) -> str:
        word = self.made.word()
        self.plants.append(Plant(value=word, kind="gated", owner=owner))
        return word

    def _dropped(self, owner: str) -> str:
        return self._drop(owner, self.made.word())

    def _drop(self, owner: str, value: str) -> str:
        self.plants.append(Plant(value=value, kind="dropped", owner=owner))
        return value
