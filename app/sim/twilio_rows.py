"""Calls and numbers as Twilio's JSON has them, and its pages of them.

Source: Twilio, "Call Resource", "IncomingPhoneNumber Resource", "Twilio's Response: paging".
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from app.sim.exchange import Account, PhoneNumber
from app.sim.rows import Row
from app.sim.telephone import Telephone

API_VERSION = "2010-04-01"
PAGE_SIZE = 50
_PARTS = ("notifications", "recordings", "events", "transcriptions")
_MOST_A_PAGE = 1000


def call_row(account: Account, call: Telephone) -> Row:
    """A call."""
    uri = f"/{API_VERSION}/Accounts/{account.sid}/Calls/{call.call_sid}"
    return {
        "sid": call.call_sid,
        "account_sid": account.sid,
        "to": call.hotline,
        "to_formatted": call.hotline,
        "from": call.caller,
        "from_formatted": call.caller,
        "phone_number_sid": None,
        "parent_call_sid": None,
        "status": call.status,
        "start_time": _written(call.answered_at or call.made_at),
        "end_time": _written(call.ended_at),
        "duration": str(call.duration_s) if call.is_over else None,
        "price": None,
        "price_unit": "USD",
        "direction": call.direction,
        "answered_by": None,
        "api_version": API_VERSION,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": None,
        "annotation": None,
        "date_created": _written(call.made_at),
        "date_updated": _written(call.ended_at or call.answered_at or call.made_at),
        "uri": f"{uri}.json",
        "subresource_uris": {what: f"{uri}/{what.title()}.json" for what in _PARTS},
    }


def number_row(number: PhoneNumber) -> Row:
    """A number."""
    uri = f"/{API_VERSION}/Accounts/{number.account_sid}/IncomingPhoneNumbers/{number.sid}.json"
    return {
        "sid": number.sid,
        "account_sid": number.account_sid,
        "phone_number": number.phone_number,
        "friendly_name": number.friendly_name,
        "voice_url": number.voice_url or None,
        "voice_method": number.voice_method,
        "voice_fallback_url": number.voice_fallback_url or None,
        "voice_fallback_method": "POST",
        "voice_receive_mode": "voice",
        "voice_caller_id_lookup": False,
        "voice_application_sid": None,
        "status_callback": number.status_callback,
        "status_callback_method": "POST",
        "sms_url": "",
        "sms_method": "POST",
        "sms_fallback_url": "",
        "sms_fallback_method": "POST",
        "sms_application_sid": "",
        "trunk_sid": None,
        "address_sid": None,
        "address_requirements": "none",
        "identity_sid": None,
        "bundle_sid": None,
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
        "beta": False,
        "origin": "twilio",
        "status": "in-use",
        "type": None,
        "api_version": API_VERSION,
        "date_created": _written(number.made_at),
        "date_updated": _written(number.changed_at),
        "uri": uri,
    }


def page_of(name: str, rows: Sequence[Row], path: str, wanted: Mapping[str, str]) -> Row:
    """One page of a list, with where the others are."""
    size = min(max(_whole(wanted.get("PageSize"), PAGE_SIZE), 1), _MOST_A_PAGE)
    page = _whole(wanted.get("Page"), 0)
    shown = list(rows[page * size : (page + 1) * size])
    has_more = len(rows) > (page + 1) * size

    def uri(number: int) -> str:
        query = {**wanted, "Page": str(number), "PageSize": str(size)}
        return f"{path[path.index('/' + API_VERSION) :]}?{urlencode(query)}"

    return {
        name: shown,
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": max(page * size, page * size + len(shown) - 1),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "previous_page_uri": uri(page - 1) if page else None,
        "next_page_uri": uri(page + 1) if has_more else None,
    }


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdigit() else otherwise


def _written(moment: datetime | None) -> str | None:
    return format_datetime(moment) if moment else None
