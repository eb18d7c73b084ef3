// Opens a page of another origin in headless Chromium, which verifies the service and buys one summary of DOCUMENT:
// node browser.mjs CHROMIUM MODULE DOCUMENT. Prints what the page found, as JSON.
//
// Environment: PRECIS_URL, PRECIS_KEY_FILE, PRECIS_POLICY, PRECIS_DEVNET_TRUST_ROOT.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const [chromium, module, document] = process.argv.slice(2);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const key = readFileSync(process.env.PRECIS_KEY_FILE, 'utf8').trim();
const settings = {
  url: process.env.PRECIS_URL,
  key: key.startsWith('0x') ? key : `0x${key}`,
  policy: readFileSync(process.env.PRECIS_POLICY, 'utf8'),
  document: readFileSync(document, 'utf8'),
};

const { outputFiles: [page] } = await build({
  entryPoints: [here('browser_page.mjs')], bundle: true, write: false, format: 'esm', platform: 'browser', target: 'es2022',
  external: ['/precis-verify.mjs'],
});
const files = {
  '/': ['text/html', '<!doctype html><meta charset="utf-8"><title>Precis</title><script type="module" src="/page.js"></script>'],
  '/page.js': ['text/javascript', page.contents],
  '/precis-verify.mjs': ['text/javascript', readFileSync(here('../../app/web/precis-verify.mjs'))],
  '/precis_verify.wasm': ['application/wasm', readFileSync(module)],
  '/root.der': ['application/octet-stream', readFileSync(process.env.PRECIS_DEVNET_TRUST_ROOT)],
  '/settings.json': ['application/json', JSON.stringify(settings)],
};
// The page tells what it found to where it came from.
let told;
const outcome = new Promise((tell) => { told = tell; });
const server = createServer(async (request, response) => {
  if (request.url === '/outcome') {
    const parts = [];
    for await (const part of request) parts.push(part);
    response.end();
    told(JSON.parse(Buffer.concat(parts).toString()));
    return;
  }
  const [type, body] = files[request.url] ?? [];
  response.writeHead(type ? 200 : 404, { 'content-type': type ?? 'text/plain' }).end(body);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const profile = mkdtempSync(join(tmpdir(), 'precis-chromium-'));
// A group of its own, so that what it starts ends with it; the pipes end it if this process is gone first.
const browser = spawn(chromium, [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions',
  '--disable-background-networking', '--disable-component-update', `--user-data-dir=${profile}`,
  '--remote-debugging-pipe', `http://127.0.0.1:${server.address().port}/`,
], { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], detached: true });
let said = '';
browser.stderr.on('data', (text) => { said = (said + text).slice(-4000); });
const ended = new Promise((end) => browser.once('exit', end));
const end = () => { try { process.kill(-browser.pid, 'SIGKILL'); } catch {} };
process.on('exit', end);
process.on('SIGTERM', () => process.exit(1));

const { value, error } = await Promise.race([outcome, ended.then((code) => ({ error: `Chromium ended with ${code}: ${said}` }))]);
end();
await ended;
rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
assert.ok(!error, error);
console.log(JSON.stringify(value));
process.exit(0);
