// The official server and facilitator as a peer for benchmarks: @x402/express in front of a handler without work, settling through
// @x402/evm in the same process. Prints {"url", "payTo"} once it serves POST /v1/summarize, and ends with its process.
//
// Environment: PRECIS_RPC_URL, PRECIS_CHAIN_ID, PRECIS_DEVNET_ASSET, PRECIS_DEVNET_ASSET_NAME, PRECIS_DEVNET_ASSET_VERSION as the devnet's environment file
// has them; PEER_KEY, a key with gas (a new one whose balance is set, if none); PEER_PAY_TO (the key's account, if none); PEER_PRICE in
// atomic units; PEER_POLL_MS between two looks for a receipt.
//
// What differs from the packages' defaults, each in the peer's favour:
// - The facilitator is called in process. Over HTTP, which is how it is commonly deployed, every payment costs two exchanges more.
// - Broadcasts take turns. The packages leave nonces to viem, which asks the node for one each time: concurrent settlements get the
//   same, and about half of them fail. Only the broadcast waits its turn, the waits for receipts overlap.
// - Receipts are looked for every 50 ms. viem's default of 4 s would measure nothing else.
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import { x402Facilitator } from '@x402/core/facilitator';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { ExactEvmScheme as ExactFacilitator } from '@x402/evm/exact/facilitator';
import { ExactEvmScheme as ExactServer } from '@x402/evm/exact/server';
import express from 'express';
import { createWalletClient, defineChain, http, numberToHex, parseEther, publicActions } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

const env = process.env;
const url = env.PRECIS_RPC_URL;
const network = `eip155:${env.PRECIS_CHAIN_ID}`;
const account = privateKeyToAccount(env.PEER_KEY ?? generatePrivateKey());
const payTo = env.PEER_PAY_TO ?? account.address;
const chain = defineChain({
  id: Number(env.PRECIS_CHAIN_ID),
  name: 'development',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const client = createWalletClient({
  account,
  chain,
  transport: http(url),
  pollingInterval: Number(env.PEER_POLL_MS ?? 50),
}).extend(publicActions);
if (!env.PEER_KEY) {
  await client.request({ method: 'anvil_setBalance', params: [account.address, numberToHex(parseEther('1000'))] });
}

let turn = Promise.resolve();
/** `broadcast`, once the broadcasts before it are out or have failed. */
const inTurn = (broadcast) => {
  const done = turn.then(broadcast);
  turn = done.catch(() => {});
  return done;
};
const signer = toFacilitatorEvmSigner({
  address: account.address,
  readContract: (call) => client.readContract(call),
  verifyTypedData: (signed) => client.verifyTypedData(signed),
  getCode: (account) => client.getCode(account),
  writeContract: (call) => inTurn(() => client.writeContract(call)),
  sendTransaction: (transaction) => inTurn(() => client.sendTransaction(transaction)),
  waitForTransactionReceipt: (wait) => client.waitForTransactionReceipt(wait),
});
const facilitator = new x402Facilitator().register(network, new ExactFacilitator(signer));
const server = new x402ResourceServer(facilitator).register(network, new ExactServer());

const app = express();
app.disable('x-powered-by');
app.use(
  paymentMiddleware(
    {
      'POST /v1/summarize': {
        accepts: {
          scheme: 'exact',
          network,
          payTo,
          price: {
            asset: env.PRECIS_DEVNET_ASSET,
            amount: env.PEER_PRICE ?? '1500',
            extra: { name: env.PRECIS_DEVNET_ASSET_NAME, version: env.PRECIS_DEVNET_ASSET_VERSION },
          },
          maxTimeoutSeconds: 300,
        },
        description: 'A summary',
        mimeType: 'application/json',
      },
    },
    server,
  ),
);
app.post('/v1/summarize', express.json({ limit: '4mb' }), (_request, response) => response.json({ summary: '' }));
const listener = app.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${listener.address().port}`, payTo }));
});
