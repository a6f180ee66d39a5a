"""Telephones of people: the page with one in the browser, and scripted callers, under `/sim/phone`.

The browser speaks Media Streams to the stand-in as a far end of the line: `start` with whom it
calls, `media`, `dtmf`, `stop`; it gets `media` and `clear` back, beside our own `call`, which tells
the CallSid, and `ended`. Between product and stand-in runs a media stream of its own, so the tape
holds what was heard.
"""

import asyncio
import base64
import binascii
import json
from datetime import date, timedelta
from importlib import resources
from typing import Any

import phonenumbers
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.sim.control import body_of, route
from app.sim.exchange import Habit
from app.sim.hostaway_store import Account
from app.sim.knobs import BadRequest
from app.sim.media_stream import SILENT_TICK
from app.sim.rows import Row
from app.sim.tape import TICK, Spoken
from app.sim.telephone import Telephone
from app.sim.world import World

CUSHION = 3
"""Pieces of 20 ms that a browser's microphone is ahead of the line."""
MOST_WAITING = 15
"""More than that is dropped: the caller would be heard ever later."""
WITHHELD = "anonymous"
GUESTS = 8
"""Guests offered for a hotline."""
SCRIPTS = ("phone.js", "phone-worklet.js")


class Phone:
    """The page, its line, and what scripted callers do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._exchange = world.exchange

    def routes(self) -> list[BaseRoute]:
        """All of them, relative to `/sim/phone`."""
        return [
            Route("/", self._page),
            WebSocketRoute("/line", self._line),
            route("/choices", self._choices, "GET"),
            route("/calls", self._dial, "POST"),
            route("/calls/{sid}", self._show, "GET"),
            route("/calls/{sid}/say", self._say, "POST"),
            route("/calls/{sid}/press", self._press, "POST"),
            route("/calls/{sid}/hang-up", self._hang_up, "POST"),
            route("/calls/{sid}/tape.wav", self._tape, "GET"),
            route("/calls/{sid}/recognised", self._recognised, "GET"),
            route("/engines", self._engines, "GET"),
            route("/prepare", self._prepare, "POST"),
            route("/habits", self._set_habit, "POST"),
            Route("/{script}", self._script),
        ]

    # -- the page ----------------------------------------------------------------------------

    async def _page(self, request: Request) -> Response:
        return HTMLResponse(_read("phone.html"))

    async def _script(self, request: Request) -> Response:
        name = request.path_params["script"]
        if name not in SCRIPTS:
            return Response("Not found", 404)
        return Response(_read(name), media_type="text/javascript")

    async def _choices(self, request: Request) -> Row:
        exchange = self._exchange
        return {
            "hotlines": [
                {
                    "number": number.phone_number,
                    "name": number.friendly_name,
                    "is_connected": bool(number.voice_url),
                    "guests": self._guests(exchange.accounts[number.account_sid].pms_account),
                }
                for number in exchange.numbers.values()
            ],
            "withheld": WITHHELD,
        }

    def _guests(self, pms_account: int) -> list[Row]:
        """Who would call: guests who are here, then those who come, with a number of their own."""
        account = self._world.store.accounts.get(pms_account)
        if account is None:
            return []
        today = self._world.clock.today(account.place.zone)
        found = [
            row
            for row in account.reservations.values()
            if row["status"] in ("new", "modified")
            and _is_telephone(str(row["phone"] or ""))
            and today.isoformat() <= row["departureDate"]
            and row["arrivalDate"] <= (today + timedelta(days=30)).isoformat()
        ]
        found.sort(key=lambda row: (row["arrivalDate"] != today.isoformat(), row["arrivalDate"]))
        # Some of today, some who are here, some who come later.
        soon = [row for row in found if row["arrivalDate"] == today.isoformat()]
        here = [row for row in found if row["arrivalDate"] < today.isoformat()]
        later = [row for row in found if row["arrivalDate"] > today.isoformat()]
        shown = [*soon[:3], *here[-3:], *later[-2:]][:GUESTS]
        return [_guest(account, row, today) for row in shown]

    # -- a line to a browser -----------------------------------------------------------------

    async def _line(self, websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            call = await self._dialled(websocket)
        except (LookupError, ValueError) as problem:
            await websocket.send_json({"event": "ended", "why": str(problem)})
            await websocket.close()
            return
        except WebSocketDisconnect:
            return
        await websocket.send_json({"event": "call", "call": call.call_sid})
        heard: asyncio.Queue[Row | None] = asyncio.Queue()
        call.handset.cushion = CUSHION
        call.handset.on_heard = lambda piece: heard.put_nowait(_media(piece))
        call.handset.on_cleared = lambda: heard.put_nowait({"event": "clear"})
        tasks = [
            asyncio.ensure_future(work)
            for work in (_speak(websocket, call), _hear(websocket, heard), call.ended.wait())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            call.hang_up()
            call.handset.on_heard = lambda _: None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await websocket.send_json({"event": "ended", "why": call.status})
            await websocket.close()
        except (WebSocketDisconnect, RuntimeError):
            return

    async def _dialled(self, websocket: WebSocket) -> Telephone:
        """The call that the browser's `start` asks for."""
        while True:
            message = json.loads(await websocket.receive_text())
            if message.get("event") == "start":
                wanted = message["start"]["customParameters"]
                return self._exchange.dial(str(wanted["caller"]), str(wanted["hotline"]))

    # -- scripted callers --------------------------------------------------------------------

    async def _dial(self, request: Request) -> Row:
        wanted = await body_of(request)
        label = str(wanted.get("label", ""))
        if not label.replace("-", "a").isalnum() and label:
            raise BadRequest("a label is made of letters, digits and dashes")
        call = self._exchange.dial(
            str(wanted.get("caller") or WITHHELD),
            str(wanted.get("hotline")),
            more=wanted.get("more"),
            label=label,
        )
        return {"call": call.call_sid}

    async def _say(self, request: Request) -> Row:
        call, wanted = self._call(request), await body_of(request)
        if self._exchange.voices is None:
            raise BadRequest("the stand-ins were started without voices")
        text, language = str(wanted["text"]), str(wanted.get("language", ""))
        return {"seconds": call.speak(await self._exchange.voices.of_caller(text, language))}

    async def _press(self, request: Request) -> Row:
        self._call(request).press(str((await body_of(request))["key"]))
        return {}

    async def _hang_up(self, request: Request) -> Row:
        self._call(request).hang_up()
        return {}

    async def _prepare(self, request: Request) -> Row:
        """Make what callers will say, before they say it."""
        wanted = await body_of(request)
        if self._exchange.voices is None:
            raise BadRequest("the stand-ins were started without voices")
        for text in wanted["texts"]:
            await self._exchange.voices.of_caller(str(text))
        return {"prepared": len(wanted["texts"])}

    async def _show(self, request: Request) -> Row:
        call = self._call(request)
        tape = call.tape
        return {
            "call": call.call_sid,
            "status": call.status,
            "seconds": tape.seconds,
            "verbs": call.verbs,
            "carrier_said": call.said,
            "is_speaking": call.is_speaking,
            "caller": [_stretch(one) for one in tape.spoken(by_hotline=False)],
            "hotline": [_stretch(one) for one in tape.spoken(by_hotline=True)],
            "turns": [
                {
                    "said": _stretch(turn.said),
                    "answered_s": turn.answered_s,
                    "silenced_s": turn.silenced_s,
                    "latency_ms": turn.latency_ms,
                }
                for turn in tape.turns()
            ],
        }

    async def _tape(self, request: Request) -> Response:
        sid, folder = request.path_params["sid"], self._exchange.recordings
        if sid in self._exchange.calls:
            wav = self._exchange.calls[sid].tape.wav()
            return Response(wav, media_type="audio/wav")
        if folder is not None and sid.isalnum() and (folder / f"{sid}.wav").exists():
            return FileResponse(folder / f"{sid}.wav", media_type="audio/wav")
        raise LookupError(f"no call {sid}")

    async def _engines(self, request: Request) -> Row:
        """Who hears and who speaks, for both sides."""
        if self._exchange.voices is None:
            raise BadRequest("the stand-ins were started without voices")
        return await self._exchange.voices.told()

    async def _recognised(self, request: Request) -> Row:
        """What recognition makes of the hotline's side of the tape, between two seconds."""
        call, wanted = self._call(request), request.query_params
        if self._exchange.voices is None:
            raise BadRequest("the stand-ins were started without voices")
        sound = call.tape.hotline_sound(float(wanted["since"]), float(wanted["until"]))
        language = wanted.get("language", "en")
        return {"text": await self._exchange.voices.recognised(sound, language)}

    async def _set_habit(self, request: Request) -> Row:
        wanted = await body_of(request)
        habit = Habit(
            answers=wanted.get("answers", "person"), after_s=float(wanted.get("after_s", 1.0))
        )
        self._exchange.habits[str(wanted["number"])] = habit
        return {"number": wanted["number"]}

    def _call(self, request: Request) -> Telephone:
        sid = request.path_params["sid"]
        if sid not in self._exchange.calls:
            raise LookupError(f"no call {sid}")
        return self._exchange.calls[sid]


async def _speak(websocket: WebSocket, call: Telephone) -> None:
    """The browser's microphone and keys, until it hangs up."""
    microphone, rest = call.handset.microphone, b""
    while True:
        try:
            message: Any = json.loads(await websocket.receive_text())
        except (WebSocketDisconnect, ValueError):
            return
        if message.get("event") == "stop":
            return
        if message.get("event") == "dtmf":
            call.press(str(message["dtmf"]["digit"]))
        elif message.get("event") == "media":
            rest += _payload(message)
            while len(rest) >= TICK:
                microphone.append(rest[:TICK])
                rest = rest[TICK:]
            while len(microphone) > MOST_WAITING:
                microphone.popleft()


async def _hear(websocket: WebSocket, heard: "asyncio.Queue[Row | None]") -> None:
    while (message := await heard.get()) is not None:
        await websocket.send_json(message)


def _payload(message: Row) -> bytes:
    try:
        return base64.b64decode(str(message["media"]["payload"]), validate=True)
    except (KeyError, TypeError, binascii.Error):
        return SILENT_TICK


def _media(piece: bytes) -> Row:
    return {"event": "media", "media": {"payload": base64.b64encode(piece).decode()}}


def _stretch(spoken: Spoken) -> list[float]:
    return [round(spoken.begins_s, 2), round(spoken.ends_s, 2)]


def _guest(account: Account, row: Row, today: date) -> Row:
    arrival, departure = row["arrivalDate"], row["departureDate"]
    if arrival == today.isoformat():
        when = "arrives today"
    elif arrival < today.isoformat():
        when = "is here"
    else:
        when = f"arrives {_day(arrival)}"
    names = "id guestName phone confirmationCode arrivalDate departureDate"
    return {
        **{name: row[name] for name in names.split()},
        "listing": account.listings[row["listingMapId"]]["name"],
        "when": when,
        "leaves": "today" if departure == today.isoformat() else _day(departure),
    }


def _is_telephone(number: str) -> bool:
    """Whether anybody could call from there: numbers of films match no booking."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False


def _day(iso: str) -> str:
    return f"{date.fromisoformat(iso):%-d %b}"


def _read(name: str) -> str:
    return resources.files("app.sim").joinpath("pages", name).read_text(encoding="utf-8")
