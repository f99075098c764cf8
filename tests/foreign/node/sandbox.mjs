// A sandbox process of our own, started from the real binary, and what a
// merchant knows about it: the folder that the console hands out.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const BINARY = process.env.KABAO_BIN ?? fileURLToPath(new URL('../../../target/debug/kabao', import.meta.url));
const READY_WITHIN_MS = 60_000;

export async function startSandbox({ rateLimits = 'off' } = {}) {
  if (!existsSync(BINARY)) {
    throw new Error(`${BINARY} is missing: build it (cargo build -p kabao-cli) or name it in KABAO_BIN`);
  }
  const home = mkdtempSync(join(tmpdir(), 'kabao-node-'));
  const folder = join(home, 'credentials');
  const child = spawn(BINARY, ['sandbox', 'serve', '--store', 'memory', '--listen', '127.0.0.1:0',
    '--credentials', folder, '--rate-limits', rateLimits], {
    env: bareEnvironment(home),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => { said += text; });
  const ended = new Promise((done) => { child.once('exit', (code, signal) => done(code ?? signal)); });
  // A test run that dies must not leave a server behind.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const baseURL = await readyLine(child, ended).catch((error) => {
    child.kill('SIGKILL');
    throw new Error(`${error.message}\n${said}`);
  });
  const file = (name) => join(folder, name);

  return {
    ...JSON.parse(readFileSync(file('credentials.json'), 'utf8')),
    baseURL,
    file,
    pem: (name) => readFileSync(file(name), 'utf8'),
    control: (method, path, body) => control(baseURL, method, path, body),
    reset: () => control(baseURL, 'POST', '/reset'),
    spoilSignatures: (count) => control(baseURL, 'POST', '/faults', { kind: 'bad_signature', count }),
    async stop() {
      child.kill('SIGTERM');
      const status = await ended;
      process.removeListener('exit', kill);
      rmSync(home, { recursive: true, force: true });
      if (status !== 0) throw new Error(`the sandbox ended with ${status} on SIGTERM`);
    },
  };
}

async function readyLine(child, ended) {
  const line = new Promise((found) => {
    createInterface({ input: child.stdout }).once('line', found);
  });
  const late = new Promise((done) => { setTimeout(done, READY_WITHIN_MS, 'nothing').unref(); });
  const text = await Promise.race([line, ended.then((status) => `an exit with ${status}`), late]);
  const match = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(text);
  if (!match) throw new Error(`waited for "listening on http://127.0.0.1:PORT", got ${text}`);
  return match[1];
}

async function control(baseURL, method, path, body) {
  const response = await fetch(`${baseURL}/_sandbox${path}`, {
    method,
    headers: body && { 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} /_sandbox${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** The developer's own settings must not reach the sandbox. */
function bareEnvironment(home) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('KABAO_'));
  return { ...Object.fromEntries(own), KABAO_DATA_DIR: join(home, 'data'), XDG_CONFIG_HOME: home };
}
