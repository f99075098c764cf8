"""`wechatpayv3_client.py FOLDER CALLS`: so many verified queries of the sample
card. The package knows no member cards; `_core.request` is what its own
methods are made of."""

import json
import sys
from pathlib import Path
from urllib.parse import urlencode

from wechatpayv3 import WeChatPay, WeChatPayType

CODE = "478515832665"

folder, calls = Path(sys.argv[1]), int(sys.argv[2])
given = json.loads((folder / "credentials.json").read_text())
wxpay = WeChatPay(
    wechatpay_type=WeChatPayType.NATIVE, mchid=given["mchid"], appid="wxd678efh567hg6787",
    private_key=(folder / "apiclient_key.pem").read_text(), cert_serial_no=given["serial_no"], apiv3_key=given["apiv3_key"],
    public_key=(folder / "pub_key.pem").read_text(), public_key_id=given["wechatpay_public_key_id"],
)
wxpay._core._gate_way = given["base_url"]
scope = urlencode({name: given[name] for name in ("brand_id", "card_id", "openid")})
for _ in range(calls):
    status, text = wxpay._core.request(f"/v3/brand/partner/card-member/user-cards/{CODE}?{scope}")
    assert status == 200 and json.loads(text)["user_card_code"] == CODE, text
