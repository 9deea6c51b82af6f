"""What the gateway costs, beside what people use instead, in one run.

``python benchmarks/gateway.py [--seconds S] [--repeats N] [--litellm FILE]``; LiteLLM is brought by
``make bench-gateway``, in an environment of its own. Needs two cores (one for the proxy under test,
one for the model server and the load) and wrk; nginx and LiteLLM are left out, with a word, where
they are not there. Every part is started once; then all are measured in turn, N times over, and
each figure is told as the median of its ratios to the barest pass-through of the same round, with
their range. CPU per request is the figure to trust on a machine that others share.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway_load import Load, median, paced, write_script, wrk

HERE = Path(__file__).parent
MODEL_PORT = 9100
SHORT = ("barest", "enforcing", "local")
"""Parts that are measured with a short conversation, too."""
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  client_body_buffer_size 1m;
  upstream model {{ server 127.0.0.1:{model}; keepalive 64; }}
  server {{ listen 127.0.0.1:{port}; keepalive_requests 1000000000; location / {{
    proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_buffering off; }} }}
}}
"""
LITELLM = """
model_list:
{models}
litellm_settings: {{ drop_params: true, request_timeout: 60 }}
{guardrails}
"""
LITELLM_MODEL = """  - model_name: {name}
    litellm_params: {{ model: openai/{name}, api_base: "http://127.0.0.1:{port}/v1", api_key: x }}
"""
GUARDRAIL = """
guardrails:
  - guardrail_name: empty
    litellm_params: { guardrail: empty_guardrail.Empty, mode: pre_call, default_on: true }
"""
LITELLM_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}
EMPTY = """
from litellm.integrations.custom_guardrail import CustomGuardrail

class Empty(CustomGuardrail):
    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        return data
"""


@dataclass
class Part:
    """One server under test, and what was measured of it."""

    name: str
    port: int
    pid: int = 0
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, figure: str, value: float) -> None:
        self.figures.setdefault(figure, []).append(value)


def start(core: int, command: list[str], port: int, **environment: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        env={**os.environ, **environment},
        stdout=quiet,
        stderr=quiet,
    )
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    raise SystemExit(f"{command} did not start")


@contextmanager
def running(core: int, command: list[str], port: int, **environment: str) -> Iterator[int]:
    process = start(core, command, port, **environment)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def own(part: str, port: int, *more: str) -> list[str]:
    return [sys.executable, str(HERE / "gateway_parts.py"), part, str(port), *more]


def commands(folder: Path, litellm: str | None) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Yield name, command and environment of each part that can be had; ports count from 9101."""
    port = MODEL_PORT + 1
    for part in ("barest", "nginx", "shadow", "enforcing", "enforcing, SQLite", "local"):
        if part == "nginx":
            binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
            if binary is None:
                print("nginx is not installed: left out")
                port += 1
                continue
            text = NGINX.format(folder=folder, port=port, model=MODEL_PORT)
            (folder / "nginx.conf").write_text(text)
            yield part, [binary, "-p", str(folder), "-c", str(folder / "nginx.conf")], {}
        else:
            database = [str(folder / "bench.sqlite3")] if "SQLite" in part else []
            yield part, own(part.partition(",")[0], port, str(MODEL_PORT), *database), {}
        port += 1
    if litellm is None:
        print("LiteLLM is not given (--litellm, or make bench-gateway): left out")
        return
    models = "".join(LITELLM_MODEL.format(name=n, port=MODEL_PORT) for n in ("m", "paced"))
    (folder / "empty_guardrail.py").write_text(EMPTY)
    for name, guardrails in (("LiteLLM", ""), ("LiteLLM, empty guardrail", GUARDRAIL)):
        config = folder / f"litellm-{port}.yaml"
        config.write_text(LITELLM.format(models=models, guardrails=guardrails))
        line = [litellm, "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
        yield name, line, LITELLM_ENVIRONMENT
        port += 1


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and all below it."""
    if pid == 0:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own_s + sum(cpu_s(int(child)) for child in children)


def rss_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def measure(part: Part, what: str, script: Path, connections: int, seconds: int) -> Load:
    before = cpu_s(part.pid)
    load = wrk(part.port, script, connections, seconds)
    part.note(f"{what} CPU", (cpu_s(part.pid) - before) / load.requests * 1e6)
    part.note(f"{what} rate", load.per_s)
    part.note(f"{what} p50", load.p50_s * 1e3)
    part.note(f"{what} p99", load.p99_s * 1e3)
    return load


def round_of(parts: list[Part], folder: Path, seconds: int) -> None:
    """Measure all parts once."""
    usual = write_script(folder / "usual.lua", messages=19, size=8900)
    stream = write_script(folder / "stream.lua", messages=19, size=8900, stream=True)
    for part in parts:
        wrk(part.port, usual, 8, 2)
        for connections in (1, 32):
            measure(part, f"whole {connections}", usual, connections, seconds)
            measure(part, f"stream {connections}", stream, connections, seconds)
        pace = paced(part.port, 4)
        part.note("first ms", median(pace.first_s) * 1e3)
        part.note("gap p50 ms", median(pace.gaps_s) * 1e3)
        part.note("gap p99 ms", sorted(pace.gaps_s)[int(len(pace.gaps_s) * 0.99)] * 1e3)
        if part.pid:
            part.note("RSS MB", rss_mb(part.pid))


def turns(part: Part, folder: Path, seconds: int) -> None:
    """What many short messages cost beside few long ones of the same bytes."""
    for messages in (5, 501):
        script = write_script(folder / "turns.lua", messages=messages, size=44_000)
        wrk(part.port, script, 8, 1)
        measure(part, f"{messages} messages", script, 8, seconds)


def short(parts: list[Part], folder: Path, seconds: int) -> None:
    """The next turn of a short conversation, one at a time: what a detector costs is its words."""
    script = write_script(folder / "short.lua", messages=5, size=400)
    for part in parts:
        wrk(part.port, script, 1, 1)
        measure(part, "short", script, 1, seconds)


def told(values: list[float], base: list[float] | None = None) -> str:
    """Tell a figure: its median, and as a ratio to another with the range of the ratios."""
    text = f"{median(values):,.2f}" if median(values) < 20 else f"{median(values):,.0f}"
    if base is None:
        return text
    ratios = sorted(a / b for a, b in zip(values, base, strict=True))
    return f"{text} ({median(ratios):.2f}x; {ratios[0]:.2f} to {ratios[-1]:.2f})"


def report(parts: list[Part]) -> None:
    barest = next(part for part in parts if part.name == "barest")
    for what in ("whole 1", "whole 32", "stream 1", "stream 32"):
        print(f"\n### {what.replace(' ', ', concurrency ')}\n")
        print("| | requests/s | CPU µs a request | p50 ms | p99 ms |\n|---|---|---|---|---|")
        for part in parts:
            cells = [
                told(part.figures[f"{what} {figure}"], barest.figures[f"{what} {figure}"])
                if part.pid or figure != "CPU"
                else "-"
                for figure in ("rate", "CPU", "p50", "p99")
            ]
            print(f"| {part.name} | {' | '.join(cells)} |")
    print("\n### A paced stream, and memory\n")
    print("| | first piece ms | between pieces p50 ms | p99 ms | RSS MB |\n|---|---|---|---|---|")
    for part in parts:
        cells = [told(part.figures[name]) for name in ("first ms", "gap p50 ms", "gap p99 ms")]
        print(f"| {part.name} | {' | '.join(cells)} | {told(part.figures.get('RSS MB', [0.0]))} |")
    print("\n### 5 and 501 messages of 44 kB together\n")
    for part in parts:
        few, many = (part.figures.get(f"{n} messages CPU") for n in (5, 501))
        if few and many:
            print(f"- {part.name}: {told(few)} µs and {told(many, few)} µs CPU a request")


def report_short(parts: list[Part]) -> None:
    print("\n### A short conversation (5 messages, 0.4 kB), concurrency 1\n")
    print("| | requests/s | CPU µs a request | p50 ms | p99 ms |\n|---|---|---|---|---|")
    for part in parts:
        cells = [told(part.figures[f"short {name}"]) for name in ("rate", "CPU", "p50", "p99")]
        print(f"| {part.name} | {' | '.join(cells)} |")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--seconds", type=int, default=3, help="of each measurement")
    options.add_argument("--repeats", type=int, default=3, help="rounds")
    options.add_argument("--litellm", help="LiteLLM's command")
    given = options.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt install wrk")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(running(1, own("model", MODEL_PORT, "0"), MODEL_PORT))
        parts = [Part("direct", MODEL_PORT)]
        for name, command, environment in commands(folder, given.litellm):
            port = _port_of(command, folder)
            pid = stack.enter_context(running(0, command, port, **environment))
            parts.append(Part(name, port, pid))
            paced(port, 2)  # some load half of themselves at their first request
        for _ in range(given.repeats):
            round_of(parts, folder, given.seconds)
            turns(next(p for p in parts if p.name == "enforcing"), folder, given.seconds)
            short([p for p in parts if p.name in SHORT], folder, given.seconds)
        report(parts)
        report_short([p for p in parts if p.name in SHORT])


def _port_of(command: list[str], folder: Path) -> int:
    if "--port" in command:
        return int(command[command.index("--port") + 1])
    if "nginx.conf" in command[-1]:
        found = re.search(r"listen 127\.0\.0\.1:(\d+)", (folder / "nginx.conf").read_text())
        return int(found[1]) if found else 0
    return int(command[3])


if __name__ == "__main__":
    main()
