"""The process as a whole: ready, memory when idle, a new tenant."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from app.settings import load_settings
from app.wiring import build

ROUNDS = 5
IDLE_S = 6.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def measure() -> dict[str, tuple[list[float], str]]:
    folder = Path(tempfile.mkdtemp(prefix="nightdesk-bench-"))
    results: dict[str, tuple[list[float], str]] = {
        "first start on an empty data folder": ([], "s"),
        "ready, warm (embedded servers included)": ([], "s"),
        "resident memory, idle, without the two servers": ([], "MB"),
        "tenant creation": ([], "s"),
        "floor: an interpreter that imports asyncio": ([], "s"),
    }
    try:
        for number in range(ROUNDS + 1):
            ready_s, memory_mb = await one_life(folder)
            first = "first start on an empty data folder"
            warm = "ready, warm (embedded servers included)"
            results[first if number == 0 else warm][0].append(ready_s)
            results["resident memory, idle, without the two servers"][0].append(memory_mb)
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", "import asyncio"], check=True)
            results["floor: an interpreter that imports asyncio"][0].append(
                time.perf_counter() - began
            )
        results["tenant creation"][0].extend(await tenants(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return results


async def one_life(folder: Path) -> tuple[float, float]:
    """Seconds until /readyz says yes, and resident megabytes a while later."""
    port = free_port()
    environment = {
        **os.environ,
        "NIGHTDESK_DATA__DIR": str(folder),
        "NIGHTDESK_SERVER__PUBLIC_PORT": str(port),
        "NIGHTDESK_SERVER__DESK_PORT": "0",
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "app.main"], env=environment, stdout=subprocess.DEVNULL
    )
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.01)
    ready_s = time.perf_counter() - began
    await asyncio.sleep(IDLE_S)
    status = Path(f"/proc/{process.pid}/status").read_text()
    resident_kb = next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmRSS"))
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    return ready_s, resident_kb / 1024


async def tenants(folder: Path) -> list[float]:
    settings = load_settings(None, {"NIGHTDESK_DATA__DIR": str(folder)})
    product = build(settings)
    took = []
    async with product.opened():
        for number in range(10):
            began = time.perf_counter()
            await product.tenants.add(f"bench-{number}", "Bench")
            took.append(time.perf_counter() - began)
    return took
