// What must not work: spoiled signatures, and everything the service refuses.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { KEY_MODES, refused, userCard } from './merchant.mjs';
import { startSandbox } from './sandbox.mjs';

let sandbox;
before(async () => { sandbox = await startSandbox(); });
after(() => sandbox?.stop());
beforeEach(() => sandbox.reset());

const SPOILED = { code: 'EV3_RES_HEADER_SIGNATURE_DIGEST' };

for (const [mode, keys] of Object.entries(KEY_MODES)) {
  describe(`a spoiled signature, with the ${mode}`, () => {
    it('is refused on a query, once', async () => {
      const calls = userCard(sandbox, keys(sandbox));
      await sandbox.spoilSignatures(1);
      await assert.rejects(calls.query(), SPOILED);
      await calls.query();
    });

    it('is refused on a change, which took place all the same', async () => {
      const calls = userCard(sandbox, keys(sandbox));
      await sandbox.spoilSignatures(1);
      await assert.rejects(calls.modify({ level: '白银会员' }), SPOILED);
      const { data } = await calls.query();
      assert.equal(data.level, '白银会员');
    });
  });
}

describe('the service refuses', () => {
  let calls;
  before(() => { calls = userCard(sandbox, KEY_MODES['public key'](sandbox)); });

  it('an unknown card', () => refused(calls.query({}, '000000000000'), 404, 'RESOURCE_NOT_EXISTS'));
  it('a change of an unknown card', () => refused(calls.modify({ level: '一' }, '000000000000'), 404, 'RESOURCE_NOT_EXISTS'));
  it('another openid', () => refused(calls.query({ openid: 'obLatjother' }), 404, 'RESOURCE_NOT_EXISTS'));
  it('a brand that the merchant does not serve', () => refused(calls.query({ brand_id: '2008' }), 403, 'NO_AUTH'));
  it('a query without openid', () => refused(calls.query({ openid: undefined }), 400, 'PARAM_ERROR'));

  it('a level of more than 10 characters, and changes nothing', async () => {
    const { data } = await refused(calls.modify({ level: '一二三四五六七八九十一', attach: 'x' }), 400, 'PARAM_ERROR');
    assert.equal(data.detail.field, '/level');
    assert.equal(data.detail.location, 'body');
    const { data: card } = await calls.query();
    assert.notEqual(card.attach, 'x');
  });

  for (const [what, sealed] of Object.entries({
    'plaintext in the place of ciphertext': () => '13800138000',
    'ciphertext for nobody': () => Buffer.alloc(256, 7).toString('base64'),
    'ciphertext for another key than the one named': () => userCard(sandbox, KEY_MODES['platform certificate'](sandbox)).seal('13800138000'),
  })) {
    it(what, () => refused(calls.modify({ phone_number: sealed() }), 400, 'PARAM_ERROR'));
  }

  it('an identifier that is none of WeChat Pay\'s', () => {
    const keys = KEY_MODES['public key'](sandbox);
    const stranger = userCard(sandbox, { ...keys, id: 'PUB_KEY_ID_0000000000000000000000000000000000' });
    return refused(stranger.query(), 400, 'INVALID_REQUEST');
  });

  it('a signature of another key, unsigned, with what the server built', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const impostor = userCard(sandbox, { ...KEY_MODES['public key'](sandbox), privateKey });
    const { data, headers } = await refused(impostor.query(), 401, 'SIGN_ERROR');
    assert.equal(data.detail.sign_information.method, 'GET');
    assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith('wechatpay-')), []);
    const { data: [seen] } = await sandbox.control('GET', '/requests');
    assert.equal(seen.status, 401);
    assert.equal(seen.verdict.ok, false);
    assert.equal(seen.verdict.step, 'signature');
  });
});

describe('with the documented rate limits', () => {
  let limited;
  before(async () => { limited = await startSandbox({ rateLimits: 'documented' }); });
  after(() => limited?.stop());

  it('refuses what comes too often, and lets the rest through', async () => {
    const calls = userCard(limited, KEY_MODES['public key'](limited));
    const outcomes = [];
    const that_were = (wanted) => outcomes.filter(({ status }) => status === wanted);
    // 5 a second: a slow machine needs more of them until one is too many.
    while (that_were('rejected').length === 0 && outcomes.length < 200) {
      outcomes.push(...await Promise.allSettled(Array.from({ length: 20 }, () => calls.query())));
    }
    const let_through = that_were('fulfilled').length;
    assert.ok(let_through >= 5 && let_through < outcomes.length, `${let_through} of ${outcomes.length} went through`);
    for (const { reason } of that_were('rejected')) {
      assert.deepEqual([reason.response?.status, reason.response?.data.code], [429, 'FREQUENCY_LIMITED']);
    }
  });
});
