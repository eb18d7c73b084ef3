// Has the official extensions package judge what a service declares, and buys summaries with payment identifiers as its client
// sends them: node extensions.mjs DOCUMENT, a text. Prints what a catalogue would list and the sizes of both headers.
//
// Environment: PRECIS_URL, PRECIS_RPC_URL, PRECIS_KEY_FILE.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { decodePaymentSignatureHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import { PaymentPayloadV2Schema, PaymentRequiredV2Schema } from '@x402/core/schemas';
import { x402Client, x402HTTPClient, wrapFetchWithPayment, decodePaymentResponseHeader } from '@x402/fetch';
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm';
import {
  BAZAAR, PAYMENT_IDENTIFIER, appendPaymentIdentifierToExtensions, declarePaymentIdentifierExtension, extractDiscoveryInfo,
  extractPaymentIdentifier, generatePaymentId, isPaymentIdentifierRequired, sanitizeResourceServiceMetadata,
  validateDiscoveryExtension, validateDiscoveryExtensionSpec, validatePaymentIdentifier,
} from '@x402/extensions';
import { createPublicClient, http, parseAbi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

const endpoint = `${process.env.PRECIS_URL}/v1/summaries`;
const key = readFileSync(process.env.PRECIS_KEY_FILE, 'utf8').trim();
const account = privateKeyToAccount(key.startsWith('0x') ? key : `0x${key}`);
const chain = createPublicClient({ transport: http(process.env.PRECIS_RPC_URL) });
const body = JSON.stringify({ document: readFileSync(process.argv[2], 'utf8') });
const post = (body, headers = {}) =>
  fetch(endpoint, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
const decode = (header) => JSON.parse(Buffer.from(header, 'base64').toString());

/** The quote of a 402: the header, which clients read, and the body, which says the same and more. */
const quoteOf = async (answer) => {
  const whole = await answer.json();
  assert.equal(answer.status, 402, JSON.stringify(whole));
  const header = answer.headers.get('PAYMENT-REQUIRED');
  assert.ok(header.length <= 3500, `the header has ${header.length} bytes`);
  const required = decode(header);
  for (const quote of [required, whole]) PaymentRequiredV2Schema.parse(quote);
  // The client's own way to read it.
  const read = new x402HTTPClient(new x402Client()).getPaymentRequiredResponse((name) => answer.headers.get(name), whole);
  assert.deepEqual(read, required);
  for (const member of ['x402Version', 'error', 'accepts']) assert.deepEqual(whole[member], required[member], member);
  assert.equal(whole.resource.url, required.resource.url);
  for (const [id, { info }] of Object.entries(required.extensions ?? {})) assert.deepEqual(whole.extensions[id].info, info, id);
  return { required, whole };
};
const unpaid = await post(body);
const { required, whole } = await quoteOf(unpaid);
const { accepts: [accepted], extensions, resource } = whole;

// What a facilitator would list: it drops in silence what is not valid.
const bazaar = extensions[BAZAAR.key];
for (const validate of [validateDiscoveryExtensionSpec, validateDiscoveryExtension]) {
  assert.deepEqual(validate(bazaar), { valid: true }, validate.name);
}
const { input } = bazaar.info;
assert.deepEqual([input.type, input.method, input.bodyType], ['http', 'POST', 'json']);
const listed = extractDiscoveryInfo({ x402Version: 2, resource, extensions, accepted, payload: {} }, accepted);
const { origin, pathname } = new URL(endpoint);
assert.equal(listed.resourceUrl, `${origin}${pathname}`);
assert.equal(listed.method, 'POST');
for (const member of ['description', 'mimeType', 'serviceName', 'tags']) {
  assert.ok(listed[member]?.length, `resource.${member} is missing or not valid`);
}
for (const [member, value] of Object.entries(sanitizeResourceServiceMetadata(resource))) {
  assert.deepEqual(value, resource[member], `resource.${member} is not valid in part`);
}
// The declaration is true: its example is a request that has a price, and its schema refuses what the service refuses.
const example = await post(JSON.stringify(input.body));
assert.equal(example.status, 402, `the example is no request: ${await example.text()}`);
for (const wrong of [{ ...input.body, unheardOf: 1 }, { ...input.body, document: 1 }, [], 'text']) {
  const info = { ...bazaar.info, input: { ...input, body: wrong } };
  assert.ok(!validateDiscoveryExtension({ ...bazaar, info }).valid, `the schema allows ${JSON.stringify(wrong)}`);
  const refused = await post(JSON.stringify(wrong));
  assert.ok(refused.status === 400 || refused.status === 422, `the service answers ${refused.status} to ${JSON.stringify(wrong)}`);
}

// A probe of a catalogue, which has no document: the same declaration, and the prices.
for (const probed of [undefined, '{}']) {
  const { required: least, whole: list } = await quoteOf(await post(probed));
  assert.equal(least.accepts[0].extra.price, 'minimum');
  assert.ok(BigInt(least.accepts[0].amount) <= BigInt(accepted.amount));
  assert.deepEqual(validateDiscoveryExtension(list.extensions[BAZAAR.key]), { valid: true });
  assert.equal(list.priceList['summary.extractive'].base, '1000');
}

const declared = extensions[PAYMENT_IDENTIFIER];
assert.deepEqual(validatePaymentIdentifier(declared), { valid: true });
assert.deepEqual(declared, declarePaymentIdentifierExtension(false));
assert.ok(!isPaymentIdentifierRequired(declared));
// Without its schema, in the header, it is still what the package takes and answers.
assert.deepEqual(validatePaymentIdentifier(required.extensions[PAYMENT_IDENTIFIER]), { valid: true });
assert.deepEqual(required.extensions[PAYMENT_IDENTIFIER], { info: { required: false } });

const units = () =>
  chain.readContract({
    address: accepted.asset,
    abi: parseAbi(['function balanceOf(address) view returns (uint256)']),
    functionName: 'balanceOf',
    args: [account.address],
  });
const start = await units();
/** Requires that so many of these requests have been paid for. */
const paidFor = async (count, what) => assert.equal(start - (await units()), BigInt(accepted.amount) * BigInt(count), what);

/** A client of the official package that adds `id` to what it signs, or one that the package makes up. */
const clientWith = (id) => {
  const client = new x402Client();
  client.register('eip155:*', new ExactEvmScheme(toClientEvmSigner(account, chain)));
  client.setSpendControls(false);
  return client.registerExtension({
    key: PAYMENT_IDENTIFIER,
    // A copy, because the package writes into what the server declared.
    enrichPaymentPayload: async (payload) => ({
      ...payload,
      extensions: appendPaymentIdentifierToExtensions(structuredClone(payload.extensions), id),
    }),
  });
};
const payments = [];
const recording = (input, init) => {
  const request = new Request(input, init);
  const payment = request.headers.get('PAYMENT-SIGNATURE');
  if (payment) payments.push(payment);
  return fetch(request);
};
/** Buys `body` as a user of the package would. */
const buy = (id) =>
  wrapFetchWithPayment(recording, clientWith(id))(endpoint, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
/** Signs anew for `body`, with `id` as it is, also where the package would refuse it. */
const signed = async (id) => {
  const payload = await clientWith().createPaymentPayload(required);
  payload.extensions[PAYMENT_IDENTIFIER].info.id = id;
  return encodePaymentSignatureHeader(payload);
};

// An id that the package makes up, and the same payment once more.
const first = await buy();
const bytes = Buffer.from(await first.arrayBuffer());
assert.equal(first.status, 200, bytes.toString());
assert.ok(decodePaymentResponseHeader(first.headers.get('PAYMENT-RESPONSE')).success);
const [payment] = payments;
const payload = decodePaymentSignatureHeader(payment);
PaymentPayloadV2Schema.parse(payload);
const id = extractPaymentIdentifier(payload);
const { [PAYMENT_IDENTIFIER]: named, ...echoed } = payload.extensions;
const { [PAYMENT_IDENTIFIER]: _, ...quoted } = required.extensions;
assert.deepEqual(Object.keys(echoed), Object.keys(quoted), 'every extension of the header is echoed');
assert.deepEqual(named, { info: { required: false, id } });
assert.match(id, /^pay_[0-9a-f]{32}$/);
await paidFor(1, 'the first payment');
for (let round = 0; round < 2; round += 1) {
  const again = await post(body, { 'PAYMENT-SIGNATURE': payment });
  assert.equal(again.status, 200, await again.clone().text());
  assert.deepEqual(Buffer.from(await again.arrayBuffer()), bytes, 'another answer to the same payment');
  assert.equal(again.headers.get('PAYMENT-RESPONSE'), first.headers.get('PAYMENT-RESPONSE'));
}
await paidFor(1, 'the same payment again');

// The id names that payment, and no other.
const other = await buy(id);
assert.equal(other.status, 409, await other.text());
assert.notEqual(payments[1], payment);
await paidFor(1, 'another payment with the same id');

// Ids at the limits of their form, and beyond.
for (const bad of ['', 'a'.repeat(15), 'a'.repeat(129), 'with space inside', 'not-ascii-äöü-äöü', 'a'.repeat(16) + '\n', 17, null]) {
  const refused = await post(body, { 'PAYMENT-SIGNATURE': await signed(bad) });
  assert.equal(refused.status, 400, `${JSON.stringify(bad)}: ${await refused.text()}`);
}
await paidFor(1, 'payments with malformed ids');
const good = ['a'.repeat(16), `${generatePaymentId('')}${'-_Z9'.repeat(24)}`];
for (const id of good) {
  const answer = await post(body, { 'PAYMENT-SIGNATURE': await signed(id) });
  assert.equal(answer.status, 200, `${id}: ${await answer.text()}`);
}
await paidFor(1 + good.length, 'payments with ids of their own');

console.log(JSON.stringify({
  listed: { ...listed, extensions: Object.keys(listed.extensions) },
  headers: { required: unpaid.headers.get('PAYMENT-REQUIRED').length, payment: payment.length },
}));
