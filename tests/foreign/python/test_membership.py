"""One membership in which programs of three makers each do their part: the
PyPI package wechatpayv3 (for the brand, whose scheme it does not know, the
protocol by hand), kabao's command line, and a shop with kabao's SDK."""

import json
import time

import pytest

from kabao import CommandLine, Shop
from test_wechatpayv3 import Merchant
from wechatpayv3.type import RequestType

import wire

OPENID = "oNewcomer"
DAY = 24 * 60 * 60


class ServiceProvider:
    """wechatpayv3."""

    caller = "partner"

    def __init__(self, sandbox, monkeypatch):
        self.merchant = Merchant(sandbox, monkeypatch)
        self.brand = {"brand_id": sandbox["brand_id"]}

    def get(self, tail, **query):
        status, answer = self.merchant.call(f"/v3/brand/partner/card-member/{tail}{wire.query(self.brand | query)}")
        assert status == 200, answer
        return answer

    def post(self, tail, body):
        path = f"/v3/brand/partner/card-member/{tail}"
        status, answer = self.merchant.call(path, RequestType.POST, self.brand | body)
        assert status == 200, answer
        return answer

    def open(self, sealed):
        return self.merchant.wxpay.decrypt(sealed)


class Brand:
    """The protocol by hand."""

    caller = "brand"

    def __init__(self, sandbox, _):
        self.by_hand = wire.brand(sandbox)

    def get(self, tail, **query):
        return self._read(self.by_hand.call("GET", f"/brand/card-member/{tail}{wire.query(query)}"))

    def post(self, tail, body):
        return self._read(self.by_hand.call("POST", f"/brand/card-member/{tail}", body))

    def _read(self, answer):
        assert answer.status == 200, answer.body
        self.by_hand.signer_of(answer)
        return answer.json

    def open(self, sealed):
        return self.by_hand.open(sealed)


@pytest.fixture(params=[ServiceProvider, Brand], ids=["service_provider", "brand"])
def foreign(request, sandbox, monkeypatch):
    return request.param(sandbox, monkeypatch)


def wait_for(what, is_there):
    deadline = time.monotonic() + 30
    while not (seen := what()) or not is_there(seen):
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
    return seen


def test_three_programs_run_a_membership(foreign, sandbox, tmp_path):
    kabao = CommandLine(sandbox, tmp_path, is_brand=foreign.caller == "brand")
    brand_id = sandbox["brand_id"]
    with Shop(sandbox, foreign.caller) as shop:
        # The foreign program makes the template and opens the component.
        card_id = foreign.post("cards", {
            "out_request_no": "three-programs-1", "appid": "wxea9c30890f48d5ae", "card_type": "NORMAL",
            "card_title": "三方卡", "card_color": "#102030", "card_picture_url": "https://wxpaylogo.qpic.cn/x/0",
            "code_mode": "SYSTEM_ALLOCATE", "code_type": "QR_CODE", "benefits": "会员价",
            "notify_url": shop.notify_url,
            "valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 30},
        })["card_id"]
        ids = ["--card-id", card_id, "--openid", OPENID]
        token = foreign.post("pre-auth-tokens", {"card_id": card_id, "openid": OPENID})["token"]

        def user(action, **more):
            body = {"brand_id": brand_id, "card_id": card_id} | more
            return sandbox.control("POST", f"/users/{OPENID}/{action}", body)

        # The user joins, and the shop, told of it, confirms.
        code = user("join", token=token, phone_number="13700137000")["user_card"]["user_card_code"]

        def card():
            return foreign.get(f"user-cards/{code}", card_id=card_id, openid=OPENID)

        member = wait_for(card, lambda card: card["user_card_state"] == "EFFECTIVE")
        assert foreign.open(member["phone_number"]) == "13700137000"
        assert (member["level"], member["attach"]) == ("新会员", "欢迎")

        # The command line changes the card, and the foreign program sees it.
        kabao("user-card", "update", code, *ids, "--level", "黄金会员", "--phone-number", "13600136000")
        member = card()
        assert (member["level"], foreign.open(member["phone_number"])) == ("黄金会员", "13600136000")
        kabao("points", "sync", code, *ids, "--point-balance", "1200")
        kabao("feed", "create", code, *ids, "--cell", "1_100")

        # A coupon for points: the user asks, the shop allows.
        exchange = user("exchange-coupon", deduct_points=1000)
        notification = f"/notifications/{exchange['notification_id']}"
        wait_for(lambda: sandbox.control("GET", notification), lambda told: told["state"] == "DELIVERED")
        answered = kabao("call", "POST", confirm_path(foreign), "--json", confirmation(tmp_path, foreign, exchange["exchange"]))
        assert answered["state"] == "POINT_EXCHANGE_COUPON_SUCCESS", "as the shop answered before"

        # It expires, is renewed, and ends.
        sandbox.control("PUT", "/clock", {"offset_seconds": 31 * DAY})
        assert card()["user_card_state"] == "EXPIRED"
        kabao("user-card", "update", code, *ids, "--valid", "permanent")
        assert card()["user_card_state"] == "EFFECTIVE"
        sandbox.control("PUT", "/clock", {"offset_seconds": 0})
        held = foreign.get("user-cards", openid=OPENID, offset=0, limit=20)
        assert [card["user_card_code"] for card in held["data"]] == [code]
        user("delete-card")
        assert card()["user_card_state"] == "INVALID"
        assert kabao("card", "invalidate", card_id)["state"] == "CARD_INVALID"

        told = sandbox.control("GET", "/notifications")["data"]
        wait_for(lambda: sandbox.control("GET", "/notifications")["data"],
                 lambda all: {one["state"] for one in all} == {"DELIVERED"})
        prefix = "BRAND_MEMBER_CARD" if foreign.caller == "brand" else "BRAND_MEMBER_CARD_SP"
        assert {one["event_type"] for one in told} == {
            f"{prefix}.USER_CARD.CREATE", f"{prefix}.POINT_EXCHANGE_COUPON", f"{prefix}.USER_CARD.DELETE",
        }


def confirm_path(foreign):
    prefix = "brand/card-member" if foreign.caller == "brand" else "v3/brand/partner/card-member"
    return f"{prefix}/user-points/exchange-coupon/confirm"


def confirmation(folder, foreign, exchange):
    """The answer that the shop gave, once more, in a file."""
    names = ["record_id", "exchange_coupon_template_id", "card_id", "openid", "user_card_code"]
    body = {name: exchange[name] for name in names} | {"result": "POINT_EXCHANGE_COUPON_ALLOW"}
    if foreign.caller != "brand":
        body["brand_id"] = exchange["brand_id"]
    path = folder / "confirmation.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    return str(path)
