"""Load for the gateway benchmark: bodies, wrk, and a client that times each piece of a stream."""

import json
import re
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PATH = "/v1/chat/completions"


@dataclass(frozen=True)
class Load:
    """What wrk saw; times in seconds."""

    requests: int
    per_s: float
    p50_s: float
    p99_s: float


def write_script(file: Path, *, messages: int, size: int, stream: bool = False) -> Path:
    """Write wrk's script: one turn of a conversation, then its next turn, each time another one.

    Args:
        file: Where to.
        messages: How many, the user's new one included.
        size: Bytes of all of them together, roughly.
        stream: Ask for a stream.
    """
    words = "word " * max(1, size // messages // 5 - 1)
    history = [
        {"role": "assistant" if i % 2 else "user", "content": f"{i} {words}"}
        for i in range(messages - 1 + messages % 2)
    ]
    newest = history.pop()
    before = json.dumps({"model": "m", "stream": stream, "messages": history[:-1] or [newest]})
    head = json.dumps({"model": "m", "stream": stream, "messages": history})[:-2]
    comma = ", " if history else ""
    tail = json.dumps(newest["content"])[1:-1]
    # wrk throws away what it asks for first, and Lua writes no more than 14 digits
    file.write_text(
        'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
        f"local before, head = {json.dumps(before)}, {json.dumps(head + comma)}\n"
        "local n, base = 0, os.time() % 1000000 * 1000000\n"
        "function request()\n  n = n + 1\n"
        "  if n <= 2 then return wrk.format(nil, nil, nil, before) end\n"
        '  return wrk.format(nil, nil, nil, head .. \'{"role": "user", "content": "\' ..\n'
        f"    (base + n) .. {json.dumps(' ' + tail)} .. '\"}}]}}')\nend\n"
    )
    return file


def wrk(port: int, script: Path, connections: int, seconds: int) -> Load:
    """Run wrk on the second core."""
    command = [
        "taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
        "--latency", "-s", str(script), f"http://127.0.0.1:{port}{PATH}",
    ]  # fmt: skip
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+) requests in", out)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    if "Non-2xx" in out or found is None or rate is None or found[1] == "0":
        raise SystemExit(f"port {port}: {out}")
    p50, p99 = (_seconds(out, percent) for percent in (50, 99))
    return Load(int(found[1]), float(rate[1]), p50, p99)


def _seconds(out: str, percent: int) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", out)
    if found is None:
        raise SystemExit(f"wrk told no {percent}th percentile:\n{out}")
    return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[found[2]]


@dataclass(frozen=True)
class Pace:
    """How a paced stream arrives; seconds."""

    first_s: list[float]
    gaps_s: list[float]


def paced(port: int, times: int) -> Pace:
    """Read paced streams one after another, and note when each piece arrives."""
    first: list[float] = []
    gaps: list[float] = []
    for number in range(times):
        body = json.dumps(
            {
                "model": "paced",
                "stream": True,
                "messages": [
                    {"role": "user", "content": f"{time.time()} {number} " + "word " * 99}
                ],
            }
        ).encode()
        head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        head += f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            began = time.perf_counter()
            connection.sendall(head.encode() + body)
            at = _arrivals(connection)
        first.append(at[0] - began)
        gaps += [later - earlier for earlier, later in pairwise(at)]
    return Pace(first, gaps)


def _arrivals(connection: socket.socket) -> list[float]:
    """Return when pieces of text arrived, until the stream is over."""
    at: list[float] = []
    seen = b""
    while b"[DONE]" not in seen:
        data = connection.recv(65536)
        if not data:
            raise SystemExit("a paced stream was cut")
        now = time.perf_counter()
        at += [now] * data.count(b'"content":')
        seen = seen[-64:] + data
    return at


def median(values: list[float]) -> float:
    return statistics.median(values)
