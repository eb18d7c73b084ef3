// Buys vectors with the official OpenAI client and an order of documents with the official Cohere client. Neither knows of payments:
// the fetch that they are given pays. Prints what both got.
import { readFileSync } from 'node:fs';
import { CohereClient } from 'cohere-ai';
import OpenAI from 'openai';
import { x402Client, wrapFetchWithPayment } from '@x402/fetch';
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm';
import { createPublicClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

const key = readFileSync(process.env.PRECIS_KEY_FILE, 'utf8').trim();
const account = privateKeyToAccount(key.startsWith('0x') ? key : `0x${key}`);
const chain = createPublicClient({ transport: http(process.env.PRECIS_RPC_URL) });
const payer = new x402Client();
payer.register('eip155:*', new ExactEvmScheme(toClientEvmSigner(account, chain)));
// The devnet's token is not among the assets that the client trusts with the user's money by default.
payer.setSpendControls(false);
const pay = wrapFetchWithPayment(fetch, payer);

const texts = ['The canal is 82 kilometres long.', 'Ships wait for the tide.', 'Bread is made of flour and water.'];
const model = process.env.PRECIS_EMBEDDINGS_MODEL;
const openai = new OpenAI({ apiKey: 'none', baseURL: `${process.env.PRECIS_URL}/v1`, fetch: pay, maxRetries: 0 });
const embeddings = await openai.embeddings.create({ model, input: texts });
const floats = await openai.embeddings.create({ model, input: texts, encoding_format: 'float' });

const cohere = new CohereClient({ token: 'none', environment: process.env.PRECIS_URL, fetch: pay, maxRetries: 0 });
const ranked = await cohere.rerank({ model, query: 'What is baked?', documents: texts, topN: 2, returnDocuments: true });

console.log(JSON.stringify({ embeddings, floats, ranked }));
