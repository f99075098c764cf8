// The main job: see a member's card, change it, see the change.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { CODE, KEY_MODES, SPELLINGS, opened, userCard } from './merchant.mjs';
import { startSandbox } from './sandbox.mjs';

let sandbox;
before(async () => { sandbox = await startSandbox(); });
after(() => sandbox?.stop());
beforeEach(() => sandbox.reset());

for (const [mode, keys] of Object.entries(KEY_MODES)) {
  for (const [spelling, path] of Object.entries(SPELLINGS)) {
    describe(`with the ${mode}, path written as ${spelling}`, () => {
      let calls;
      let id;
      before(() => {
        ({ id } = keys(sandbox));
        calls = userCard(sandbox, { ...keys(sandbox), path });
      });

      it('queries the sample card', async () => {
        const { status, data, headers } = await calls.query();
        assert.equal(status, 200);
        assert.equal(headers['wechatpay-serial'], id);
        const card = opened(sandbox, data);
        assert.equal(card.user_card_code, CODE);
        assert.equal(card.brand_id, sandbox.brand_id);
        assert.equal(card.card_id, sandbox.card_id);
        assert.equal(card.openid, sandbox.openid);
        assert.equal(card.phone_number, '13800138000');
        assert.equal(card.level, '钻石会员');
        assert.equal(card.user_card_state, 'EFFECTIVE');
        assert.deepEqual(card.valid_date_information, {
          type: 'FIX_TIME_RANGE',
          available_begin_time: '2020-05-20T13:29:35.120+08:00',
          available_end_time: '2030-05-20T13:29:35.120+08:00',
        });
        assert.deepEqual(card.user_information, {
          common_field_list: [{ name: 'USER_FORM_FLAG_SEX', value: '男' }],
          custom_field_list: [{ name: '喜欢的运动', user_chosen_values: ['足球'] }],
        });
      });

      it('modifies it, and a fresh query shows the change', async () => {
        const { data: original } = await calls.query();
        const { data: answer, headers } = await calls.modify({
          level: '黄金会员', card_color: '#63B359', phone_number: calls.seal('13900139000'), attach: '来自 axios',
        });
        assert.equal(headers['wechatpay-serial'], id);
        const changed = opened(sandbox, answer);
        assert.deepEqual(changed, {
          ...opened(sandbox, original),
          level: '黄金会员',
          card_color: '#63B359',
          phone_number: '13900139000',
          attach: '来自 axios',
          modify_time: answer.modify_time,
        });
        const { data: fresh } = await calls.query();
        assert.deepEqual(opened(sandbox, fresh), changed);
      });
    });
  }
}

describe('the rest of the conversation', () => {
  it('takes the whole body that the documentation prints', async () => {
    const calls = userCard(sandbox, KEY_MODES['public key'](sandbox));
    const { data } = await calls.modify({
      card_color: '#FFFF00',
      card_picture_url: 'https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0',
      phone_number: calls.seal('13800138000'),
      level: '钻石会员',
      valid_date_information: {
        type: 'FIX_TIME_RANGE',
        available_begin_time: '2020-05-20T13:29:35.120+08:00',
        available_end_time: '2030-05-20T13:29:35.120+08:00',
        available_day_after_receive: 200,
      },
      pickup_time: '2020-05-20T13:29:35.120+08:00',
      user_information: {
        common_field_list: [{ name: 'USER_FORM_FLAG_SEX', value: calls.seal('女') }],
        custom_field_list: [{ name: '喜欢的运动', user_chosen_values: [calls.seal('篮球'), calls.seal('足球')] }],
      },
      attach: '自定义数据说明',
    });
    const card = opened(sandbox, data);
    assert.equal(card.card_color, '#FFFF00');
    assert.equal(card.attach, '自定义数据说明');
    assert.equal(card.user_information.common_field_list[0].value, '女');
    assert.deepEqual(card.user_information.custom_field_list[0].user_chosen_values, ['篮球', '足球']);
  });

  it('answers with the public key when a caller that knows both names none', async () => {
    const certs = Object.assign({}, ...Object.values(KEY_MODES).map((keys) => keys(sandbox).certs));
    const { headers } = await userCard(sandbox, { certs }).query();
    assert.equal(headers['wechatpay-serial'], sandbox.wechatpay_public_key_id);
  });

  it('lists the user\'s cards', async () => {
    const calls = userCard(sandbox, KEY_MODES['public key'](sandbox));
    const { data: page } = await calls.list({ offset: 0, limit: 20 });
    assert.deepEqual([page.total_count, page.offset, page.limit, page.data.length], [1, 0, 20, 1]);
    assert.equal(opened(sandbox, page.data[0]).phone_number, '13800138000');
  });
});
