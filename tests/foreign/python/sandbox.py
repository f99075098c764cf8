"""A sandbox process of our own, started from the real binary, and what a
merchant knows about it: the folder that the console hands out."""

import http.client
import json
import os
import re
import selectors
import signal
import subprocess
import tempfile
from pathlib import Path

BINARY = Path(os.environ.get("KABAO_BIN") or Path(__file__).parents[3] / "target/debug/kabao")
READY_WITHIN_SECONDS = 60

CODE = "478515832665"


class Sandbox:
    def __init__(self, rate_limits="off"):
        if not BINARY.exists():
            raise FileNotFoundError(f"{BINARY} is missing: build it (cargo build -p kabao-cli) or name it in KABAO_BIN")
        self._home = tempfile.TemporaryDirectory(prefix="kabao-python-")
        home = Path(self._home.name)
        self.folder = home / "credentials"
        self._log = open(home / "log", "w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [BINARY, "sandbox", "serve", "--store", "memory", "--listen", "127.0.0.1:0",
             "--credentials", self.folder, "--rate-limits", rate_limits],
            stdout=subprocess.PIPE, stderr=self._log, text=True, env=_bare_environment(home),
        )
        try:
            self.base_url = self._ready_line()
            self.credentials = json.loads(self.text("credentials.json"))
        except BaseException:
            self._process.kill()
            raise

    def _ready_line(self):
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            line = self._process.stdout.readline() if ready.select(READY_WITHIN_SECONDS) else "nothing"
        match = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
        if match is None:
            self._log.seek(0)
            raise RuntimeError(f'waited for "listening on http://127.0.0.1:PORT", got {line!r}\n{self._log.read()}')
        return match[1]

    def __getitem__(self, name):
        return self.credentials[name]

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    @property
    def address(self):
        return self.base_url.removeprefix("http://")

    def control(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, f"/_sandbox{path}", None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        assert response.status in (200, 204), f"{method} /_sandbox{path}: {response.status} {text}"
        return json.loads(text) if text else None

    def reset(self):
        self.control("POST", "/reset")
        self.control("PUT", "/clock", {"offset_seconds": 0, "frozen": False})

    def spoil_signatures(self, count):
        self.control("POST", "/faults", {"kind": "bad_signature", "count": count})

    def latest_request(self):
        return self.control("GET", "/requests")["data"][0]

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(timeout=20)
        self._process.stdout.close()
        self._log.close()
        self._home.cleanup()
        assert status == 0, f"the sandbox ended with {status} on SIGTERM"


def _bare_environment(home):
    """The developer's own settings must not reach the sandbox."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("KABAO_")}
    return {**own, "KABAO_DATA_DIR": str(home / "data"), "XDG_CONFIG_HOME": str(home)}
