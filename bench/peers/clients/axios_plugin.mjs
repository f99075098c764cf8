// `axios_plugin.mjs FOLDER CALLS`: so many verified queries of the sample card.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

// Installed for the tests already.
const require = createRequire(new URL('../../../tests/foreign/node/', import.meta.url));
const { Wechatpay } = require('wechatpay-axios-plugin');

const PATH = 'v3/brand/partner/card-member/user-cards/{user_card_code}';
const CODE = '478515832665';

const [folder, calls] = process.argv.slice(2);
const text = (name) => readFileSync(join(folder, name), 'utf8');
const given = JSON.parse(text('credentials.json'));
const { brand_id, card_id, openid } = given;
const id = given.wechatpay_public_key_id;

const wxpay = new Wechatpay({
  mchid: given.mchid,
  serial: given.serial_no,
  privateKey: text('apiclient_key.pem'),
  certs: { [id]: text('pub_key.pem') },
  baseURL: given.base_url,
});
for (let call = 0; call < Number(calls); call += 1) {
  const { data } = await wxpay.chain(PATH).get({
    params: { brand_id, card_id, openid }, headers: { 'Wechatpay-Serial': id }, user_card_code: CODE,
  });
  assert.equal(data.user_card_code, CODE);
}
