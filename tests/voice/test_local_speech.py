"""The speech program is started when it is needed, kept, and ended with us."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIStatusError
from livekit.agents.types import APIConnectOptions

from app.background import Background
from app.errors import BadInput
from app.voice.local_speech import INSTALL, LocalEars, LocalSpeech

PROGRAM = """
import argparse, http.server, json, os, socket, sys, threading
parser = argparse.ArgumentParser()
parser.add_argument("--socket", type=int)
parser.add_argument("--cache")
parser.add_argument("--ends-with-input", action="store_true")
given = parser.parse_args()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_GET(self):
        if self.path == "/crash":
            os._exit(1)
        self.answer({"pid": os.getpid()})
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        asked = b'name="language"\\r\\n\\r\\npl' in body and b"Nuki" in body and b"RIFF" in body
        if b"refused" in body:
            self.send_response(400)
            self.send_header("content-length", "0")
            self.end_headers()
        else:
            self.answer({"text": "dzień dobry" if asked else "", "language": "pl"})
    def answer(self, what):
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=given.socket)
def watch():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
print(json.dumps({"port": 0}), flush=True)
server.serve_forever()
"""


@pytest.fixture
async def speech(tmp_path: Path, background: Background) -> AsyncIterator[LocalSpeech]:
    """A program without models."""
    made = LocalSpeech(tmp_path, background, program=("-c", PROGRAM), missing=())
    yield made
    await made.close()


def utterance() -> rtc.AudioFrame:
    return rtc.AudioFrame(np.zeros(800, np.int16).tobytes(), 8000, 1, 800)


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def pid_of(speech: LocalSpeech) -> int:
    return int((await speech.http.get("/")).json()["pid"])


async def test_nothing_runs_before_it_is_needed(speech: LocalSpeech):
    assert speech.starts == 0
    await speech.ready()
    assert speech.starts == 1


async def test_a_request_that_comes_before_it_is_ready_waits(speech: LocalSpeech):
    assert await pid_of(speech)
    assert speech.starts == 1


async def test_after_a_crash_the_next_request_is_answered_by_another(speech: LocalSpeech):
    first = await pid_of(speech)
    with pytest.raises(httpx2.HTTPError):
        await speech.http.get("/crash")
    assert await pid_of(speech) != first
    assert speech.starts == 2


async def test_it_ends_with_us(speech: LocalSpeech):
    pid = await pid_of(speech)
    await speech.close()
    assert not is_alive(pid)


async def test_a_program_whose_parent_dies_ends(tmp_path: Path):
    parent = f"""
import asyncio, sys
from pathlib import Path
from app.background import Background
from app.voice.local_speech import LocalSpeech
async def main():
    program = ("-c", {PROGRAM!r})
    speech = LocalSpeech(Path({str(tmp_path)!r}), Background(), program=program, missing=())
    await speech.ready()
    print((await speech.http.get("/")).text, flush=True)
    import os
    os._exit(9)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pid = json.loads(await process.stdout.readline())["pid"]
    await process.wait()
    for _ in range(200):
        if not is_alive(pid):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the program outlived the process that started it")


async def test_without_the_extra_the_command_to_install_it_is_said(
    tmp_path: Path, background: Background
):
    speech = LocalSpeech(tmp_path, background, missing=("piper",))
    with pytest.raises(BadInput, match=re.escape(INSTALL)):
        await speech.ready()
    assert speech.starts == 0
    await speech.close()


async def test_an_utterance_is_heard_in_the_calls_language_with_its_names(speech: LocalSpeech):
    ears = LocalEars(speech, language="en", prompt="", supported=("en", "pl"))
    ears.update_options(language="pl", prompt="Nuki")
    event = await ears.recognize(utterance())
    (words,) = event.alternatives
    assert (words.text, str(words.language)) == ("dzień dobry", "pl")


async def test_a_refusal_is_an_error_livekit_knows(speech: LocalSpeech):
    ears = LocalEars(speech, language="en", prompt="refused", supported=("en",))
    with pytest.raises(APIStatusError):
        await ears.recognize(utterance(), conn_options=once())


def once() -> APIConnectOptions:
    return APIConnectOptions(max_retry=0)
