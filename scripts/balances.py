#!/usr/bin/env python3
"""Prints what payer and service hold, in tokens and gas. Reads PRECIS_{RPC_URL,DEVNET_ASSET,PAYER_ADDRESS,SERVICE_ADDRESS}."""
import json
import os
import urllib.request

BALANCE_OF = "0x70a08231"


def rpc(method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(os.environ["PRECIS_RPC_URL"], body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return int(json.load(response)["result"], 16)


for name, variable in (("payer  ", "PRECIS_PAYER_ADDRESS"), ("service", "PRECIS_SERVICE_ADDRESS")):
    address = os.environ[variable]
    call = {"to": os.environ["PRECIS_DEVNET_ASSET"], "data": BALANCE_OF + address[2:].lower().rjust(64, "0")}
    tokens, gas = rpc("eth_call", call, "latest"), rpc("eth_getBalance", address, "latest")
    print(f"{name} {address}  {tokens} atomic units of the token, {gas} wei of gas")
