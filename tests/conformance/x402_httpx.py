#!/usr/bin/env python3
"""Buys with the official Python client, and prints what it got: x402_httpx.py FILE [PATH MEDIA_TYPE]. By default a summary of a text."""
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
    file, path, media_type = (sys.argv[1:] + ["/v1/summaries", "text/plain"])[:3] if len(sys.argv) == 2 else sys.argv[1:4]
    account = Account.from_key(pathlib.Path(os.environ["PRECIS_KEY_FILE"]).read_text().strip())
    client = x402Client()
    client.register("eip155:*", ExactEvmScheme(EthAccountSigner(account)))
    # The devnet's token is not among the assets that the client trusts with the user's money by default.
    client.set_spend_controls(False)
    async with x402HttpxClient(client, timeout=120) as http:
        response = await http.post(
            f"{os.environ['PRECIS_URL']}{path}",
            headers={"content-type": media_type},
            content=pathlib.Path(file).read_bytes(),
        )
        header = response.headers.get("PAYMENT-RESPONSE")
        settlement = decode_payment_response_header(header).model_dump(mode="json") if header else None
        print(json.dumps({"status": response.status_code, "settlement": settlement, "body": response.json()}))


asyncio.run(main())
