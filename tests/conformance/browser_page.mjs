// Runs in a page of another origin than the service's: checks the service by the WebAssembly verifier and pays it with the
// official client. tests/conformance/browser.mjs makes one script of it and waits for what it tells.
import { x402Client, wrapFetchWithPayment, decodePaymentResponseHeader } from '@x402/fetch';
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm';
import { privateKeyToAccount } from 'viem/accounts';

const need = (condition, what) => {
  if (!condition) throw new Error(what);
};
const bytesOf = async (answer) => new Uint8Array(await answer.arrayBuffer());
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

async function run() {
  const { url, key, policy, document } = await (await fetch('/settings.json')).json();
  need(new URL(url).origin !== location.origin, 'the page is of the same origin');
  const { load } = await import('/precis-verify.mjs');
  const precis = await load(await (await fetch('/precis_verify.wasm')).arrayBuffer());
  const mockRoot = await bytesOf(await fetch('/root.der'));

  const nonce = hex(crypto.getRandomValues(new Uint8Array(32)));
  const data = await bytesOf(await fetch(`${url}/v1/attestation?nonce=${nonce}`));
  const keys = await bytesOf(await fetch(`${url}/.well-known/ohttp-gateway`));
  const options = { data, policy, mockRoot, nonce, ohttpKeys: keys.subarray(2) };
  const judged = await precis.verifyAttestation(options);
  need(judged.verdict === 'VERIFIED', JSON.stringify(judged));
  const other = await precis.verifyAttestation({ ...options, nonce: '00'.repeat(32) });
  need(other.verdict === 'REJECTED', 'another nonce passes');

  // Every answer can be read, what it says in headers included.
  const post = (headers, body) => fetch(`${url}/v1/summaries`, { method: 'POST', headers, body });
  const unpaid = await post({ 'content-type': 'text/plain' }, document);
  need(unpaid.status === 402 && unpaid.headers.get('PAYMENT-REQUIRED'), `unpaid: ${unpaid.status}`);
  need(/^[0-9a-f-]{36}$/.test(unpaid.headers.get('X-Request-Id')), 'no request id');
  const probe = await post({}, undefined);
  need(probe.status === 402 && (await probe.json()).priceList, 'no price list');
  const sealed = await fetch(`${url}/.well-known/ohttp-gateway`, {
    method: 'POST', headers: { 'content-type': 'message/ohttp-chunked-req' }, body: new Uint8Array(64),
  });
  need(sealed.status === 400 && (await sealed.json()).status === 400, `gateway: ${sealed.status}`);

  const client = new x402Client();
  client.register('eip155:*', new ExactEvmScheme(toClientEvmSigner(privateKeyToAccount(key))));
  client.setSpendControls(false);
  const pay = wrapFetchWithPayment((input, init) => fetch(input, init), client);
  const buy = (headers) => pay(`${url}/v1/summaries`, { method: 'POST', headers: { 'content-type': 'text/plain', ...headers }, body: document });
  const bought = await buy({});
  const body = await bought.json();
  need(bought.status === 200, JSON.stringify(body));
  const settlement = decodePaymentResponseHeader(bought.headers.get('PAYMENT-RESPONSE'));
  need(settlement.success, JSON.stringify(settlement));

  // A job that is fetched later: ticket, token and place come through, and so does calling it off.
  const ticket = await buy({ prefer: 'respond-async' });
  const { token } = await ticket.json();
  need(ticket.status === 202 && ticket.headers.get('Retry-After'), `ticket: ${ticket.status}`);
  const place = url + ticket.headers.get('Location');
  const authorization = `Bearer ${token}`;
  let fetched;
  do fetched = await fetch(place, { headers: { authorization, prefer: 'wait=5' } });
  while (fetched.status === 202);
  need(fetched.status === 200 && fetched.headers.get('PAYMENT-RESPONSE'), `fetched: ${fetched.status}`);
  const ended = await fetch(place, { method: 'DELETE', headers: { authorization } });
  need(ended.status === 409, `called off: ${ended.status}`);

  return { verdict: judged.verdict, checks: judged.checks.length, settlement, body, header: unpaid.headers.get('PAYMENT-REQUIRED').length };
}

const outcome = await run().then((value) => ({ value }), (error) => ({ error: `${error?.stack ?? error}` }));
await fetch('/outcome', { method: 'POST', body: JSON.stringify(outcome) });
