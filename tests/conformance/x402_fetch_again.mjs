// Buys one summary of the document named on the command line with the official JavaScript client, on top of a fetch that sends
// the same request again after a 503 with Retry-After, as retrying wrappers do. Prints what it got, how often it sent the
// payment, and how often it signed.
import { readFileSync } from 'node:fs';
import { x402Client, wrapFetchWithPayment, decodePaymentResponseHeader } from '@x402/fetch';
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm';
import { createPublicClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

const key = readFileSync(process.env.PRECIS_KEY_FILE, 'utf8').trim();
const account = privateKeyToAccount(key.startsWith('0x') ? key : `0x${key}`);
let signatures = 0;
const counted = {
  ...account,
  signTypedData: (data) => {
    signatures += 1;
    return account.signTypedData(data);
  },
};
const chain = createPublicClient({ transport: http(process.env.PRECIS_RPC_URL) });
const client = new x402Client();
client.register('eip155:*', new ExactEvmScheme(toClientEvmSigner(counted, chain)));
client.setSpendControls(false);

const patient = process.argv[3] === 'patient';
let sent = 0;
const again = async (input, init) => {
  let request = new Request(input, init);
  for (;;) {
    const spare = request.clone();
    sent += request.headers.has('PAYMENT-SIGNATURE') ? 1 : 0;
    const response = await fetch(request);
    if (!patient || response.status !== 503 || !response.headers.has('retry-after')) return response;
    await new Promise((resolve) => setTimeout(resolve, 100));
    request = spare;
  }
};

const pay = wrapFetchWithPayment(again, client);
const response = await pay(`${process.env.PRECIS_URL}/v1/summaries`, {
  method: 'POST',
  headers: { 'content-type': 'text/plain' },
  body: readFileSync(process.argv[2]),
});
const header = response.headers.get('PAYMENT-RESPONSE');
console.log(JSON.stringify({
  status: response.status,
  settlement: header && decodePaymentResponseHeader(header),
  body: await response.json(),
  sent,
  signatures,
}));
