"""kabao's own programs: the command line, and the shop of the SDK's example
`membership`."""

import json
import os
import re
import subprocess
from pathlib import Path

from sandbox import BINARY

SHOP = Path(os.environ.get("KABAO_MEMBERSHIP") or BINARY.parent / "examples/membership")


class CommandLine:
    """`kabao`, configured as a service provider or as the brand itself."""

    def __init__(self, sandbox, home, is_brand=False):
        folder, own = sandbox.folder, sandbox.credentials
        if is_brand:
            folder, own = folder / "brand", own["brand"]
        who = {"KABAO_BRAND": own["brand_id"]} if is_brand else {"KABAO_MCHID": own["mchid"], "KABAO_BRAND_ID": own["brand_id"]}
        bare = {name: value for name, value in os.environ.items() if not name.startswith("KABAO_")}
        self.environment = bare | who | {
            "KABAO_SERIAL_NO": own["serial_no"],
            "KABAO_PRIVATE_KEY": str(folder / "apiclient_key.pem"),
            "KABAO_WECHATPAY_PUBLIC_KEY_ID": own["wechatpay_public_key_id"],
            "KABAO_WECHATPAY_PUBLIC_KEY": str(folder / "pub_key.pem"),
            "KABAO_BASE_URL": sandbox.base_url,
            "KABAO_DATA_DIR": str(home),
            "XDG_CONFIG_HOME": str(home),
        }

    def __call__(self, *arguments):
        done = subprocess.run([BINARY, "--output", "json", *arguments], env=self.environment,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"kabao {' '.join(arguments)}: {done.returncode}\n{done.stderr}"
        return json.loads(done.stdout)


class Shop:
    """The service that takes notifications, confirms members, tells points and
    allows exchanges, with the SDK and axum."""

    def __init__(self, sandbox, caller):
        if not SHOP.exists():
            raise FileNotFoundError(f"{SHOP} is missing: cargo build -p kabao --features axum --example membership")
        self._process = subprocess.Popen([SHOP, sandbox.folder, caller, "shop"], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.notify_url = self._process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/notify", self.notify_url), self.notify_url

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(timeout=20) == 0
