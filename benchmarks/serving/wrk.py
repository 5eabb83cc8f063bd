"""wrk as a function: a load for some seconds, every answer checked, and what it measured."""

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open(%(body)s, "rb")
wrk.body = file:read("*a")
file:close()
local piece, wrong, found = %(piece)s, 0, nil
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args) bad = 0 end
function response(status, headers, body)
  if status ~= 200 or not string.find(body, piece, 1, true) then bad = bad + 1 end
end
function done(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout
  for _, thread in ipairs(threads) do bad = bad + thread:get("bad") end
  io.write(string.format("measured %%d %%d %%d %%f %%f\\n", summary.requests, bad, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
"""


class WrkMissing(Exception):
    """wrk is not installed."""


class AnswersWrong(Exception):
    """A server answered something else than it must."""


@dataclass(frozen=True)
class Load:
    """Requests a second, and the latencies in microseconds that half and 99 % stayed below."""

    rate: float
    median_us: float
    p99_us: float


@dataclass(frozen=True)
class Work:
    """A body to send, a piece that every answer must hold, and over how many connections."""

    body: bytes
    piece: str
    connections: int


def check_wrk() -> None:
    """Raise WrkMissing with a sentence unless wrk is here."""
    if shutil.which("wrk") is None:
        raise WrkMissing("this benchmark needs wrk: apt-get install wrk")


def drive(url: str, work: Work, seconds: float) -> Load:
    """Load `url`. Raises AnswersWrong."""
    with tempfile.TemporaryDirectory() as folder:
        body, script = Path(folder) / "body", Path(folder) / "load.lua"
        body.write_bytes(work.body)
        script.write_text(_SCRIPT % {"body": json.dumps(str(body)), "piece": _quoted(work.piece)})
        command = ["wrk", "-t1", f"-c{work.connections}", f"-d{seconds}", "-s", str(script), url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"measured (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)", done.stdout)
    if found is None:
        raise AnswersWrong(f"{url}: wrk measured nothing: {done.stdout[-300:]}{done.stderr[-300:]}")
    requests, bad, duration_us = (int(text) for text in found.groups()[:3])
    if bad or not requests:
        raise AnswersWrong(f"{url}: {bad} of {requests} answers were wrong")
    return Load(requests / duration_us * 1e6, float(found[4]), float(found[5]))


def _quoted(text: str) -> str:
    return "[==[" + text + "]==]"
