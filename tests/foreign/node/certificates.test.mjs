// Platform certificates the way this plugin's downloader gets them: what was
// downloaded proves the download. And the plugin's own command line.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';
import plugin from 'wechatpay-axios-plugin';
import { CODE, merchant, refused } from './merchant.mjs';
import { startSandbox } from './sandbox.mjs';

const PROGRAM = join(dirname(createRequire(import.meta.url).resolve('wechatpay-axios-plugin')), 'bin/cli.js');

let sandbox;
before(async () => { sandbox = await startSandbox(); });
after(() => sandbox?.stop());

/** As `wxpay crt` does it: keys that are learnt from the answer before it is verified. */
async function download(apiv3Key) {
  const certs = { none: undefined };
  const wxpay = merchant(sandbox, { certs });
  const learn = (body) => {
    for (const { serial_no, encrypt_certificate: { ciphertext, nonce, associated_data } } of JSON.parse(body).data) {
      wxpay.client.v3.defaults.certs[serial_no] = plugin.Aes.AesGcm.decrypt(ciphertext, apiv3Key, nonce, associated_data);
    }
    return body;
  };
  const { transformResponse } = wxpay.client.v3.defaults;
  await wxpay.v3.certificates.get({
    // The sample merchant has moved to the public key, so certificates have to be asked for.
    headers: { 'Wechatpay-Serial': sandbox.platform_serial_no },
    transformResponse: [learn, plugin.Decorator.responseVerifier(wxpay.client.v3.defaults.certs), ...transformResponse.slice(1)],
  });
  return wxpay.client.v3.defaults.certs;
}

it('downloads the platform certificate, which proves the download', async () => {
  const { [sandbox.platform_serial_no]: pem } = await download(sandbox.apiv3_key);
  const certificate = new X509Certificate(pem);
  assert.equal(certificate.serialNumber, sandbox.platform_serial_no);
  assert.equal(certificate.fingerprint256, new X509Certificate(sandbox.pem('wechatpay_cert.pem')).fingerprint256);
});

it('seals the certificate with the APIv3 key and nothing else', () => assert.rejects(
  download('0'.repeat(32)), /unable to authenticate data/,
));

it('refuses a download whose signature was spoiled', async () => {
  await sandbox.spoilSignatures(1);
  await assert.rejects(download(sandbox.apiv3_key), { code: 'EV3_RES_HEADER_SIGNATURE_DIGEST' });
});

it('refuses another certificate than there is', () => refused(
  merchant(sandbox, { certs: { none: undefined } })
    .v3.certificates.get({ headers: { 'Wechatpay-Serial': 'F'.repeat(40) } }), 400, 'INVALID_REQUEST',
));

it('answers the command line of the plugin', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    PROGRAM, `v3.brand.partner.cardMember.userCards.${CODE}`, '-u', sandbox.baseURL, '-m', 'get',
    '-c.mchid', sandbox.mchid, '-c.serial', sandbox.serial_no, '-c.privateKey', sandbox.file('apiclient_key.pem'),
    `-c.certs.${sandbox.wechatpay_public_key_id}`, sandbox.file('pub_key.pem'),
    '-p.brand_id', sandbox.brand_id, '-p.card_id', sandbox.card_id, '-p.openid', sandbox.openid,
  ]);
  assert.equal(stderr.slice(0, 500), '');
  assert.match(stdout, new RegExp(`user_card_code: '${CODE}'`));
  assert.match(stdout, /user_card_state: 'EFFECTIVE'/);
});
