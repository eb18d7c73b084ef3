#!/usr/bin/env python3
"""Buys one summary of the document named on the command line with the official Python client, and prints what it got."""
import asyncio
import json
import os
import pathlib
import sys

from eth_account import Account
from x402 import x402Client
from x402.http import decode_payment_response_header
from x402.http.clients.httpx import x402HttpxClient
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import ExactEvmScheme


async def main():
    account = Account.from_key(pathlib.Path(os.environ["PRECIS_KEY_FILE"]).read_text().strip())
    client = x402Client()
    client.register("eip155:*", ExactEvmScheme(EthAccountSigner(account)))
    # The devnet's token is not among the assets that the client trusts with the user's money by default.
    client.set_spend_controls(False)
    async with x402HttpxClient(client, timeout=120) as http:
        response = await http.post(
            f"{os.environ['PRECIS_URL']}/v1/summaries",
            headers={"content-type": "text/plain"},
            content=pathlib.Path(sys.argv[1]).read_bytes(),
        )
        header = response.headers.get("PAYMENT-RESPONSE")
        settlement = decode_payment_response_header(header).model_dump(mode="json") if header else None
        print(json.dumps({"status": response.status_code, "settlement": settlement, "body": response.json()}))


asyncio.run(main())
