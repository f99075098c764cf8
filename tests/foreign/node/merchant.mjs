// The sample merchant as this SDK knows it, and the calls that the tests make.
import assert from 'node:assert/strict';
import plugin from 'wechatpay-axios-plugin';

export const { Wechatpay, Rsa } = plugin;

export const CODE = '478515832665';
const USER_CARDS = 'v3/brand/partner/card-member/user-cards';
export const USER_CARD = `${USER_CARDS}/{user_card_code}`;

/** Every way in which the plugin lets a path be written. */
export const SPELLINGS = {
  'chain()': (wxpay) => wxpay.chain(USER_CARD),
  'an index': (wxpay) => wxpay[USER_CARD],
  'properties and _name_': (wxpay) => wxpay.v3.brand.partner.cardMember.userCards._user_card_code_,
  'properties and $name$': (wxpay) => wxpay.v3.brand.partner.cardMember.userCards.$user_card_code$,
};

/** What the merchant trusts, by identifier, and what it asks to be answered with. */
export const KEY_MODES = {
  'public key': (sandbox) => ({
    id: sandbox.wechatpay_public_key_id,
    certs: { [sandbox.wechatpay_public_key_id]: sandbox.pem('pub_key.pem') },
  }),
  'platform certificate': (sandbox) => ({
    id: sandbox.platform_serial_no,
    certs: { [sandbox.platform_serial_no]: sandbox.pem('wechatpay_cert.pem') },
  }),
};

/** Only `baseURL` is not what production would have. */
export function merchant(sandbox, { certs, privateKey = sandbox.pem('apiclient_key.pem') }) {
  const { mchid, serial_no: serial, baseURL } = sandbox;
  return new Wechatpay({ mchid, serial, privateKey, certs, baseURL });
}

/** Query and modify, the way a program would wrap them. */
export function userCard(sandbox, { certs, id, privateKey, path = SPELLINGS['chain()'] }) {
  const wxpay = merchant(sandbox, { certs, privateKey });
  const { brand_id, card_id, openid } = sandbox;
  const headers = id && { 'Wechatpay-Serial': id };
  return {
    query: (params = {}, user_card_code = CODE) => path(wxpay)
      .get({ params: { brand_id, card_id, openid, ...params }, headers, user_card_code }),
    modify: (change, user_card_code = CODE) => path(wxpay)
      .patch({ brand_id, openid, ...change }, { params: { card_id }, headers, user_card_code }),
    list: (params) => wxpay.chain(USER_CARDS).get({ params: { brand_id, openid, ...params }, headers }),
    seal: (text) => Rsa.encrypt(text, Rsa.from(certs[id], Rsa.KEY_TYPE_PUBLIC)),
  };
}

/** The card with its sealed values opened, each of which must have been sealed. */
export function opened(sandbox, card) {
  const key = Rsa.from(sandbox.pem('apiclient_key.pem'), Rsa.KEY_TYPE_PRIVATE);
  const open = (sealed) => {
    assert.equal(sealed.length, 344, 'RSA-2048 in base64');
    return Rsa.decrypt(sealed, key);
  };
  const { common_field_list: common, custom_field_list: custom } = card.user_information;
  return {
    ...card,
    phone_number: open(card.phone_number),
    user_information: {
      common_field_list: common.map((field) => ({ ...field, value: open(field.value) })),
      custom_field_list: custom.map((field) => ({
        ...field, user_chosen_values: field.user_chosen_values.map(open),
      })),
    },
  };
}

/** Asserts that the service refused the call, in the documented form. */
export async function refused(call, status, code) {
  const { response } = await assert.rejects(call).then(() => call.catch((error) => error));
  assert.ok(response, 'an HTTP answer came back');
  assert.deepEqual([response.status, response.data.code], [status, code], JSON.stringify(response.data));
  assert.equal(typeof response.data.message, 'string');
  assert.ok(response.headers['request-id']);
  return response;
}
