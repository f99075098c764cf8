"""Runs every client against one sandbox and prints a JSON line for each: CPU
time of its process per verified call, and how many times kabao's that is."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
FOREIGN = HERE.parents[1] / "tests/foreign"
sys.path.insert(0, str(FOREIGN / "python"))

from sandbox import Sandbox  # noqa: E402

CALLS = int(os.environ.get("PEERS_CALLS") or 1000)
ROUNDS = int(os.environ.get("PEERS_ROUNDS") or 3)
RUN_WITHIN_SECONDS = 120

BUILT = Path(os.environ["PEERS_BUILT"])
CLIENTS = {
    "kabao": [BUILT / "peer-kabao"],
    "wechatpay-v3": [BUILT / "peer-wechatpay-v3"],
    "wechatpay-axios-plugin": ["node", HERE / "clients/axios_plugin.mjs"],
    "wechatpayv3": [FOREIGN / "python/.venv/bin/python", HERE / "clients/wechatpayv3_client.py"],
}


def cpu_seconds(command, folder, calls, quiet=False):
    """User and system time of one run; None if it failed."""
    sink = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen([*command, folder, str(calls)], stdout=sink, stderr=sink)
    deadline = time.monotonic() + RUN_WITHIN_SECONDS
    while True:
        # wait4 is the one way to one child's times.
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_utime + usage.ru_stime if process.returncode == 0 else None
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            sys.exit(f"{command[-1]} needed more than {RUN_WITHIN_SECONDS} s for {calls} calls")
        time.sleep(0.01)


def must_succeed(command, folder, calls):
    seconds = cpu_seconds(command, folder, calls)
    if seconds is None:
        sys.exit(f"{command[-1]} failed")
    return seconds


def must_verify(command, sandbox):
    """A client that swallows a spoiled signature would be measured for less work."""
    sandbox.spoil_signatures(1)
    if cpu_seconds(command, sandbox.folder, 1, quiet=True) is not None:
        sys.exit(f"{command[-1]} accepted a spoiled signature")
    sandbox.reset()


def main():
    sandbox = Sandbox()
    try:
        for command in CLIENTS.values():
            must_verify(command, sandbox)
        micros = {name: [] for name in CLIENTS}
        # Round by round, so that a busy machine is busy for all of them.
        for _ in range(ROUNDS):
            for name, command in CLIENTS.items():
                start_up = must_succeed(command, sandbox.folder, 0)
                whole = must_succeed(command, sandbox.folder, CALLS)
                micros[name].append((whole - start_up) / CALLS * 1e6)
    finally:
        sandbox.stop()
    own = statistics.median(micros["kabao"])
    for name, values in micros.items():
        value = statistics.median(values)
        line = {"name": name, "value": round(value, 1), "unit": "us of CPU per verified call", "ratio": round(value / own, 2)}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
