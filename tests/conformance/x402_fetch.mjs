// Buys with the official JavaScript client, and prints what it got: x402_fetch.mjs FILE [PATH MEDIA_TYPE]. By default a summary of a text.
import { readFileSync } from 'node:fs';
import { x402Client, wrapFetchWithPayment, decodePaymentResponseHeader } from '@x402/fetch';
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm';
import { createPublicClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

const key = readFileSync(process.env.PRECIS_KEY_FILE, 'utf8').trim();
const account = privateKeyToAccount(key.startsWith('0x') ? key : `0x${key}`);
const chain = createPublicClient({ transport: http(process.env.PRECIS_RPC_URL) });
const client = new x402Client();
client.register('eip155:*', new ExactEvmScheme(toClientEvmSigner(account, chain)));
// The devnet's token is not among the assets that the client trusts with the user's money by default.
client.setSpendControls(false);

const [, , file, path = '/v1/summaries', mediaType = 'text/plain'] = process.argv;
const pay = wrapFetchWithPayment(fetch, client);
const response = await pay(`${process.env.PRECIS_URL}${path}`, {
  method: 'POST',
  headers: { 'content-type': mediaType },
  body: readFileSync(file),
});
const header = response.headers.get('PAYMENT-RESPONSE');
console.log(JSON.stringify({
  status: response.status,
  settlement: header && decodePaymentResponseHeader(header),
  body: await response.json(),
}));
