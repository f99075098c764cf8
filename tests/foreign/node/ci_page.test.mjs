// `docs/ci.md`: its four steps and its program for Node, as they stand there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BINARY } from './sandbox.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const page = readFileSync(join(here, '../../../docs/ci.md'), 'utf8');
const block = (language) => {
  const found = page.match(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``));
  assert.ok(found, language);
  return found[1];
};

test('four steps and the program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kabao-ci-'));
  try {
    writeFileSync(join(folder, 'member.test.mjs'), block('js'));
    symlinkSync(join(here, 'node_modules'), join(folder, 'node_modules'));
    // A runner inside a runner reports to that one, unless it is not told of it.
    const own = Object.entries(process.env)
      .filter(([name]) => !name.startsWith('KABAO_') && name !== 'NODE_TEST_CONTEXT');
    const done = spawnSync('bash', ['-eu', '-c', block('sh')], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 180_000,
      env: {
        ...Object.fromEntries(own),
        TEST: 'node --test --test-reporter=tap member.test.mjs',
        PATH: `${dirname(BINARY)}${delimiter}${process.env.PATH}`,
        XDG_CONFIG_HOME: folder,
      },
    });
    const log = readFileSync(join(folder, 'sandbox.log'), 'utf8');
    assert.equal(done.status, 0, `${done.stdout}\n${done.stderr}\n${log}`);
    assert.match(done.stdout, /# pass 1\n/);
    assert.match(log, /stopping\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
