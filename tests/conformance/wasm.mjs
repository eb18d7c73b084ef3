// The browser's verifier as a page would use it: node wasm.mjs MODULE CASES. CASES is JSON,
//   [{ name, call, options: { data, mockRoot, document, summary, evidence: base64, policy, now, nonce }, verdict, checks: [[id, status], …] }],
// `verdict` null where there must be none. Prints one line of JSON: how large the module is and how long a verification takes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import { load } from '../../app/web/precis-verify.mjs';

const ROUNDS = 15;
const BINARY = ['data', 'mockRoot', 'document', 'summary', 'evidence', 'ohttpKeys'];

const [module, cases] = process.argv.slice(2);
const bytes = readFileSync(module);
const precis = await load(bytes);
const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
const milliseconds = {};

for (const { name, call, options, verdict, checks } of JSON.parse(readFileSync(cases, 'utf8'))) {
  for (const member of BINARY) {
    if (options[member]) options[member] = new Uint8Array(Buffer.from(options[member], 'base64'));
  }
  if (verdict === null) {
    await assert.rejects(() => precis[call](options), /^Error: precis: /, name);
    continue;
  }
  const answer = await precis[call](options);
  const found = answer.checks.map((check) => [check.id, check.status]);
  assert.equal(answer.verdict, verdict, `${name}: ${JSON.stringify(answer.checks, null, 1)}`);
  assert.deepEqual(found, checks, `${name}: the native verifier judges otherwise`);
  if (verdict !== 'VERIFIED') continue;
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = performance.now();
    await precis[call](options);
    times.push(performance.now() - started);
  }
  milliseconds[name] = Number(median(times).toFixed(1));
}

console.log(JSON.stringify({ bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length, milliseconds }));
