// Opens a page of another origin in headless Chromium, which verifies the service and buys one summary of DOCUMENT:
// node browser.mjs CHROMIUM MODULE DOCUMENT. Prints what the page found, as JSON.
//
// Environment: PRECIS_URL, PRECIS_KEY_FILE, PRECIS_POLICY, PRECIS_TRUST_ROOT.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import WebSocket from 'ws';

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
  '/root.der': ['application/octet-stream', readFileSync(process.env.PRECIS_TRUST_ROOT)],
  '/settings.json': ['application/json', JSON.stringify(settings)],
};
const server = createServer((request, response) => {
  const [type, body] = files[request.url] ?? [];
  response.writeHead(type ? 200 : 404, { 'content-type': type ?? 'text/plain' }).end(body);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const profile = mkdtempSync(join(tmpdir(), 'precis-chromium-'));
const endpoint = new Promise((found) => {
  const look = () => {
    try {
      const [port, path] = readFileSync(join(profile, 'DevToolsActivePort'), 'utf8').split('\n');
      if (path) found(`ws://127.0.0.1:${port}${path}`);
    } catch {}
  };
  watch(profile, look);
  look();
});
const browser = spawn(chromium, [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions',
  '--disable-background-networking', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank',
], { stdio: ['ignore', 'ignore', 'pipe'] });
let said = '';
browser.stderr.on('data', (text) => { said = (said + text).slice(-4000); });
const gone = new Promise((_, failed) => browser.once('exit', (code) => failed(new Error(`Chromium ended with ${code}: ${said}`))));

/** A session of the browser's own protocol. */
const connect = async (url) => {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((open, failed) => socket.once('open', open).once('error', failed));
  const waiting = new Map();
  socket.on('message', (data) => {
    const { id, result, error } = JSON.parse(data);
    const [done, failed] = waiting.get(id) ?? [];
    waiting.delete(id);
    if (error) failed?.(new Error(JSON.stringify(error)));
    else done?.(result);
  });
  let last = 0;
  const call = (method, params = {}, sessionId) => new Promise((done, failed) => {
    last += 1;
    waiting.set(last, [done, failed]);
    socket.send(JSON.stringify({ id: last, method, params, sessionId }));
  });
  return { call, close: () => socket.close() };
};

const visit = async () => {
  const { call, close } = await connect(await endpoint);
  const { targetId } = await call('Target.createTarget', { url: `http://127.0.0.1:${server.address().port}/` });
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
  // The script runs once the page has loaded, and sets `outcome` at once.
  const expression = `new Promise((loaded) => {
    const look = () => globalThis.outcome ? loaded(globalThis.outcome) : setTimeout(look, 20);
    look();
  })`;
  const { result, exceptionDetails } =
    await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
  close();
  assert.ok(!exceptionDetails, JSON.stringify(exceptionDetails));
  return result.value;
};

try {
  const { value, error } = await Promise.race([visit(), gone]);
  assert.ok(!error, error);
  console.log(JSON.stringify(value));
} finally {
  gone.catch(() => {});
  browser.kill('SIGKILL');
  await new Promise((ended) => (browser.exitCode ?? browser.signalCode) === null ? browser.once('exit', ended) : ended());
  server.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(0);
