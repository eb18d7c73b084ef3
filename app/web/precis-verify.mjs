// Checks attestations, saved receipts and saved evidence of a Precis service, in a browser or in node. No dependencies.
//
//   const precis = await load(await (await fetch('precis_verify.wasm')).arrayBuffer());
//   const judged = await precis.verifyAttestation({ data, policy, nonce });
//   if (judged.verdict !== 'VERIFIED') …
//
// Where the module and the policy come from decides what a verdict is worth: from the service itself it is worth nothing. Take
// them from someone you trust, or build both yourself (scripts/build-wasm).
//
// Every function takes one object. Byte strings are Uint8Arrays:
//   data        what is to be judged, its exact bytes
//   policy      text of the policy, TOML (app/protocol/SPEC.md, section 9)
//   now         Unix seconds; the clock of this machine if absent
//   mockRoot    DER of the mock root, if and only if the policy names one; the answer is then marked insecure
// and answers with
//   { verdict: 'VERIFIED' | 'REJECTED' | 'INCOMPLETE', insecure, checks: [{ id, title, section, status, detail, … }], facts }.
// Only VERIFIED allows a document to be sent or a summary to be believed; `insecure` has to be shown with every verdict. Where the
// arguments cannot be read there is no verdict: the functions throw.

const VERDICTS = new Set(['VERIFIED', 'REJECTED', 'INCOMPLETE']);
const CHUNK = 0x8000;

/** Compiles the module; `bytes` are those of precis_verify.wasm. */
export async function load(bytes) {
  const module = await WebAssembly.compile(bytes);
  if (WebAssembly.Module.imports(module).length > 0) throw new Error('precis: the module asks for something from outside');
  const verify = (what) => async (options) => judge(module, what, options);
  return {
    /** An attestation. Also `nonce`, the 64 hex digits that were sent (without it INCOMPLETE at best), and `ohttpKeys`. */
    verifyAttestation: verify('attestation'),
    /**
     * A saved receipt with the evidence inside it. Also `document`, its exact bytes (or the whole body of a JSON request), `summary`, and
     * `evidence`, a saved bundle for the same keyset whose collateral is newer: all three count in the one verdict.
     */
    verifyReceipt: verify('receipt'),
    /** A bundle that `precis verify --save-evidence` kept. */
    verifyEvidenceFile: verify('evidence-file'),
  };
}

async function judge(module, what, options) {
  const request = { what, now: Math.floor(Date.now() / 1000) };
  for (const [name, value] of Object.entries(options)) {
    if (name === 'what') throw new Error('precis: `what` is not an argument');
    if (value !== undefined) request[name] = value instanceof Uint8Array ? base64(value) : value;
  }
  const input = new TextEncoder().encode(JSON.stringify(request));
  // An instance of its own for each verification: nothing of one reaches the next, and its memory is given back.
  const { memory, ...precis } = (await WebAssembly.instantiate(module, {})).exports;
  const room = precis.precis_input(input.length);
  if (room === 0) throw new Error(`precis: the request has ${input.length} bytes, which is over the limit`);
  new Uint8Array(memory.buffer, room, input.length).set(input);
  const failed = precis.precis_verify();
  const output = new Uint8Array(memory.buffer, precis.precis_output_ptr(), precis.precis_output_len());
  const answer = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(output));
  const whole = VERDICTS.has(answer.verdict) && typeof answer.insecure === 'boolean' && Array.isArray(answer.checks);
  if (failed !== 0 || !whole) throw new Error(`precis: ${answer.error ?? 'the answer cannot be read'}`);
  return answer;
}

function base64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}
