"""What the product adds to providers of fixed latency: end of the caller's speech to first sound.

Each call hears the greeting out, then speaks several times. Times are taken from the frames that
went over the socket, at their own pace. The floor is what the providers alone take: final
transcript, first token, the tokens of a first clause, first audio; also a frame's own 20 ms.
Environment: VOICE_TURNS (5), VOICE_AT_ONCE ("1,10").
"""

import asyncio
import base64
import json
import os
import sys
from typing import Any

import aiohttp
import numpy as np

from app.sim.mulaw import from_mulaw, to_mulaw
from bench.fixed_speech import Latencies

TURNS = int(os.environ.get("VOICE_TURNS", "5"))
AT_ONCE = [int(count) for count in os.environ.get("VOICE_AT_ONCE", "1,10").split(",")]
RATE, FRAME = 8000, 160
FRAME_S = FRAME / RATE
SPEAKS_S = 1.5
LOUD = 300.0
QUIET_S = 1.0
LONGEST_S = 20.0


class Caller:
    """One call, frame by frame."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, name: str) -> None:
        self._socket = socket
        self._name = name
        self.heard_at = 0.0
        """When the last loud frame came."""
        self.first_heard_at: float | None = None
        self._says_until = 0.0
        self._tone = (np.sin(np.arange(FRAME) * 2 * np.pi * 200 / RATE) * 9000).astype(np.int16)

    async def run(self) -> tuple[float | None, list[float]]:
        """(answer to first sound, end of speech to first sound of each turn), seconds."""
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._send()), loop.create_task(self._receive())]
        began = loop.time()
        try:
            await self._until_answered(began)
            greeted_s = self.first_heard_at and self.first_heard_at - began
            turns: list[float] = []
            for _ in range(TURNS):
                await self._until_quiet()
                self.first_heard_at = None
                self._says_until = loop.time() + SPEAKS_S
                await asyncio.sleep(SPEAKS_S)
                ended = self._says_until
                await self._until_answered(ended)
                if self.first_heard_at is None:
                    raise RuntimeError("no answer")
                turns.append(self.first_heard_at - ended)
            return greeted_s, turns
        finally:
            for task in tasks:
                task.cancel()
            await self._socket.close()

    async def _until_answered(self, since: float) -> None:
        loop = asyncio.get_running_loop()
        while self.first_heard_at is None and loop.time() < since + LONGEST_S:
            await asyncio.sleep(0.002)

    async def _until_quiet(self) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < self.heard_at + QUIET_S:
            await asyncio.sleep(0.02)

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        start = {
            "event": "start", "streamSid": f"MZ{self._name}",
            "start": {
                "streamSid": f"MZ{self._name}", "callSid": f"CA{self._name}", "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1},
                "customParameters": {},
            },
        }  # fmt: skip
        await self._socket.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        await self._socket.send_json(start)
        tone = base64.b64encode(to_mulaw(self._tone)).decode()
        silence = base64.b64encode(to_mulaw(np.zeros(FRAME, np.int16))).decode()
        due, number = loop.time(), 0
        while True:
            number += 1
            payload = tone if loop.time() < self._says_until else silence
            media = {"track": "inbound", "chunk": str(number), "timestamp": str(number * 20)}
            await self._socket.send_json(
                {"event": "media", "streamSid": f"MZ{self._name}",
                 "media": {**media, "payload": payload}}
            )  # fmt: skip
            due += FRAME_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        async for message in self._socket:
            said: dict[str, Any] = json.loads(message.data)
            if said.get("event") == "media":
                sound = from_mulaw(base64.b64decode(said["media"]["payload"])).astype(np.float32)
                if np.sqrt(np.mean(sound**2)) > LOUD:
                    self.heard_at = loop.time()
                    self.first_heard_at = self.first_heard_at or loop.time()
            elif said.get("event") == "mark":
                await self._socket.send_json(said)


async def measure() -> dict[str, tuple[list[float], str]]:
    figures: dict[str, tuple[list[float], str]] = {}
    known = Latencies()
    floor = known.final_s + known.first_token_s + known.first_audio_s
    figures["floor: the providers alone, first clause of one token"] = ([floor * 1000], "ms")
    environment = {**os.environ, "VOICE_PORT": "0"}
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.voice_server", env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        url = (await server.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as http:
            for count in AT_ONCE:
                callers = [
                    Caller(await http.ws_connect(url), f"{count}x{number}")
                    for number in range(count)
                ]
                results = await asyncio.gather(*(caller.run() for caller in callers))
                greeted = [first * 1000 for first, _ in results if first]
                turns = [turn * 1000 for _, each in results for turn in each]
                figures[f"{count} at once: answer to first sound of the greeting"] = (greeted, "ms")
                figures[f"{count} at once: end of speech to first sound"] = (turns, "ms")
                figures[f"{count} at once: the same, p95"] = (
                    [sorted(turns)[min(len(turns) - 1, int(len(turns) * 0.95))]], "ms",
                )  # fmt: skip
    finally:
        server.terminate()
        await server.wait()
    return figures
