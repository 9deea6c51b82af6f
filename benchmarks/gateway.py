"""How much the gateway costs, beside the barest pass-through, in one run.

``python benchmarks/gateway.py [SECONDS]``; needs wrk, and two cores: one for the proxy, one for
the model server and the load. Prints requests per second, CPU per request and latency, and each
as a ratio to the barest pass-through of the same run.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("barest", "shadow", "enforcing")
MESSAGES = [
    {"role": "user" if i % 2 == 0 else "assistant", "content": f"{i} " + "word " * 88}
    for i in range(19)
]


def script(stream: bool, path: Path) -> Path:
    body = json.dumps({"model": "m", "stream": stream, "messages": MESSAGES})
    body = body.replace('"stream": true', '"stream":true')
    path.write_text(
        'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
        f"wrk.body = {json.dumps(body)}\n"
    )
    return path


def start(core: int, *arguments: str) -> subprocess.Popen[bytes]:
    command = ["taskset", "-c", str(core), sys.executable, str(HERE / "gateway_parts.py")]
    process = subprocess.Popen([*command, *arguments], env=dict(os.environ))
    port = int(arguments[1])
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise SystemExit(f"{arguments} did not start")


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def load(port: int, lua: Path, connections: int, seconds: int) -> tuple[float, str, str, int]:
    command = [
        "taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
        "-s", str(lua), f"http://127.0.0.1:{port}/v1/chat/completions",
    ]  # fmt: skip
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])  # type: ignore[index]
    total = int(re.search(r"(\d+) requests in", out)[1])  # type: ignore[index]
    p50, p99 = (re.search(rf"{p}%\s+(\S+)", out)[1] for p in (50, 99))  # type: ignore[index]
    return rate, p50, p99, total


def main(seconds: int) -> None:
    model = start(1, "model", "9100", "0")
    row = "{:10} {:>6} {:>4} {:>10} {:>8} {:>9} {:>9} {:>9} {:>7} {:>7}"
    print(
        row.format("part", "kind", "conn", "req/s", "ratio", "CPU µs", "p50", "p99", "RSS MB", "")
    )
    barest: dict[tuple[bool, int], float] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number, part in enumerate(PARTS):
                port = 9101 + number
                process = start(0, part, str(port), "9100", f"{folder}/{part}.sqlite3")
                for stream in (False, True):
                    lua = script(stream, Path(folder) / "body.lua")
                    load(port, lua, 8, 1)
                    for connections in (1, 32):
                        before = cpu_s(process)
                        rate, p50, p99, total = load(port, lua, connections, seconds)
                        cost = (cpu_s(process) - before) / total * 1e6
                        ratio = rate / barest.setdefault((stream, connections), rate)
                        kind = "SSE" if stream else "JSON"
                        print(
                            row.format(
                                part, kind, connections, f"{rate:,.0f}", f"{ratio:.2f}",
                                f"{cost:.0f}", p50, p99, f"{rss_mb(process):.0f}", "",
                            )
                        )  # fmt: skip
                process.kill()
    finally:
        model.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
