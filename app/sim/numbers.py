"""The story's telephone numbers: made hotlines at the product, told at the carrier whom to ask."""

import aiohttp

from app.sim.exchange import account_sid_of, auth_token_of
from app.sim.playhouse import Playhouse
from app.sim.scenes import DUBAI, WARSAW
from app.sim.twilio_rows import API_VERSION
from app.sim.witness import NotSeen

ENGLISH, POLISH, GULF = "+48221234567", "+48221234568", "+97142345678"
HOTLINES = (
    (WARSAW, ENGLISH, "Mokotów Stays", "en"),
    (WARSAW, POLISH, "Mokotów Stays", "pl"),
    (DUBAI, GULF, "Marina Nights", "en"),
)
"""(account of the PMS, number, name in the greeting, language of the greeting)."""
_PATHS = {
    "VoiceUrl": "/twilio/voice",
    "VoiceFallbackUrl": "/twilio/fallback",
    "StatusCallback": "/twilio/status",
}


async def connect_numbers(house: Playhouse) -> None:
    """Tell the carrier, over its own API, whom to ask about calls.

    Raises:
        NotSeen: it refuses.
    """
    async with aiohttp.ClientSession() as http:
        for account in dict.fromkeys(account for account, *_ in HOTLINES):
            sid = account_sid_of(account)
            auth = aiohttp.BasicAuth(sid, auth_token_of(account))
            base = f"{house.sim_url}/twilio/{API_VERSION}/Accounts/{sid}"
            async with http.get(f"{base}/IncomingPhoneNumbers.json", auth=auth) as answer:
                rows = (await answer.json())["incoming_phone_numbers"]
            form = {name: f"{house.public_url}{path}" for name, path in _PATHS.items()}
            for row in rows:
                url = f"{base}/IncomingPhoneNumbers/{row['sid']}.json"
                async with http.post(url, auth=auth, data=form) as answer:
                    if answer.status != 200:
                        raise NotSeen(f"the carrier refused {row['phone_number']}")
