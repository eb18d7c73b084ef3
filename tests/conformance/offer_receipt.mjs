// Buys one summary of the document named on the command line with the official JavaScript client, and has the official extensions
// package judge the offer and the receipt that come with it. Prints what was sent and what came back.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { x402Client, wrapFetchWithPayment, decodePaymentResponseHeader } from '@x402/fetch';
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm';
import {
  decodeSignedOffers, extractOffersFromPaymentRequired, extractReceiptFromResponse, findAcceptsObjectFromSignedOffer,
  verifyOfferSignatureEIP712, verifyReceiptMatchesOffer, verifyReceiptSignatureEIP712,
} from '@x402/extensions/offer-receipt';
import { createPublicClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

// The attested receipt key's account: the package leaves it to its user to know who may sign.
const signer = process.env.PRECIS_RECEIPT_SIGNER;
const key = readFileSync(process.env.PRECIS_KEY_FILE, 'utf8').trim();
const account = privateKeyToAccount(key.startsWith('0x') ? key : `0x${key}`);
const chain = createPublicClient({ transport: http(process.env.PRECIS_RPC_URL) });
const client = new x402Client();
client.register('eip155:*', new ExactEvmScheme(toClientEvmSigner(account, chain)));
client.setSpendControls(false);

const exchanges = [];
const recording = async (input, init) => {
  const request = new Request(input, init);
  const payment = request.headers.get('PAYMENT-SIGNATURE');
  const response = await fetch(request);
  exchanges.push({ payment, required: response.headers.get('PAYMENT-REQUIRED') });
  return response;
};
const response = await wrapFetchWithPayment(recording, client)(`${process.env.PRECIS_URL}/v1/summaries`, {
  method: 'POST',
  headers: { 'content-type': 'text/plain' },
  body: readFileSync(process.argv[2]),
});
const body = await response.text();
assert.equal(response.status, 200, body);
assert.equal(exchanges.length, 2);
const [{ required }, { payment }] = exchanges;

/** Whether `verify` finds that the service signed `artifact`. */
const isSigned = async (verify, artifact) => {
  try {
    return (await verify(artifact)).signer === signer;
  } catch {
    return false;
  }
};
/** The artifact with one thing changed, for every member of its payload and for its signature. */
const altered = ({ payload, ...rest }) => [
  ...Object.keys(payload).map((name) => {
    const value = typeof payload[name] === 'number' ? payload[name] + 1 : `${payload[name]}0`;
    return { ...rest, payload: { ...payload, [name]: value } };
  }),
  { ...rest, payload, signature: rest.signature.replace(/^0x../, (first) => (first === '0x11' ? '0x12' : '0x11')) },
];

const quote = JSON.parse(Buffer.from(required, 'base64').toString());
const offers = extractOffersFromPaymentRequired(quote);
assert.equal(offers.length, quote.accepts.length);
for (const [index, offer] of offers.entries()) {
  assert.ok(await isSigned(verifyOfferSignatureEIP712, offer), 'offer');
  assert.equal(findAcceptsObjectFromSignedOffer(offer, quote.accepts), quote.accepts[index]);
  const left = offer.payload.validUntil - Date.now() / 1000;
  assert.ok(left > 0 && left <= quote.accepts[index].maxTimeoutSeconds + 1, `valid for ${left} seconds`);
  for (const bad of altered(offer)) {
    assert.ok(!(await isSigned(verifyOfferSignatureEIP712, bad)), `accepted: ${JSON.stringify(bad)}`);
  }
}

const receipt = extractReceiptFromResponse(response);
const settlement = response.headers.get('PAYMENT-RESPONSE');
assert.ok(await isSigned(verifyReceiptSignatureEIP712, receipt), 'receipt');
const [offer] = decodeSignedOffers(offers);
assert.ok(verifyReceiptMatchesOffer(receipt, offer, [account.address]), JSON.stringify({ receipt, offer }));
assert.equal(receipt.payload.transaction, decodePaymentResponseHeader(settlement).transaction);
for (const bad of altered(receipt)) {
  assert.ok(!(await isSigned(verifyReceiptSignatureEIP712, bad)), `accepted: ${JSON.stringify(bad)}`);
}
assert.ok(!(await isSigned(verifyOfferSignatureEIP712, receipt)), 'a receipt is no offer');

console.log(JSON.stringify({ required, payment, settlement, body }));
