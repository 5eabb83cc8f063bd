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
local piece, threads, bodies, requests, turn = %(piece)s, {}, {}, {}, 0
for _, path in ipairs({%(bodies)s}) do
  local file = io.open(path, "rb")
  table.insert(bodies, file:read("*a"))
  file:close()
end
wrk.body = bodies[1]
function setup(thread) table.insert(threads, thread) end
function init(args)
  bad = 0
  for _, body in ipairs(bodies) do table.insert(requests, wrk.format(nil, nil, nil, body)) end
end
if #bodies > 1 then
  -- Defined, it is called for each request, which costs wrk some of its own speed.
  function request()
    turn = turn %% #requests + 1
    return requests[turn]
  end
end
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
    """Requests, and a second; the latencies in microseconds that half and 99 % stayed below."""

    requests: int
    rate: float
    median_us: float
    p99_us: float


@dataclass(frozen=True)
class Work:
    """Bodies to send in turn, a piece that every answer must hold, over how many connections."""

    bodies: tuple[bytes, ...]
    piece: str
    connections: int


def check_wrk() -> None:
    """Raise WrkMissing with a sentence unless wrk is here."""
    if shutil.which("wrk") is None:
        raise WrkMissing("this benchmark needs wrk: apt-get install wrk")


def drive(url: str, work: Work, seconds: float) -> Load:
    """Load `url`. Raises AnswersWrong."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / str(number) for number in range(len(work.bodies))]
        for file, body in zip(files, work.bodies, strict=True):
            file.write_bytes(body)
        names = ", ".join(json.dumps(str(file)) for file in files)
        script = Path(folder) / "load.lua"
        script.write_text(_SCRIPT % {"bodies": names, "piece": _quoted(work.piece)})
        command = ["wrk", "-t1", f"-c{work.connections}", f"-d{seconds}", "-s", str(script), url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"measured (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)", done.stdout)
    if found is None:
        raise AnswersWrong(f"{url}: wrk measured nothing: {done.stdout[-300:]}{done.stderr[-300:]}")
    requests, bad, duration_us = (int(text) for text in found.groups()[:3])
    if bad or not requests:
        raise AnswersWrong(f"{url}: {bad} of {requests} answers were wrong")
    return Load(requests, requests / duration_us * 1e6, float(found[4]), float(found[5]))


def _quoted(text: str) -> str:
    return "[==[" + text + "]==]"
