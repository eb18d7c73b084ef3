#!/usr/bin/env python3
"""Oasis' own Python client against a rofl-appd socket.

Usage: rofl_client.py SOCKET

Needs `oasis-rofl-client` 0.2.0. The socket may be the devnet's or a real daemon's; where no runtime
is behind it, queries and transactions are refused, which is checked too. Prints one `ok` line per
behaviour and exits 1 at the first that differs.
"""

import asyncio
import sys

import httpx
from oasis_rofl_client import AsyncRoflClient, KeyKind, RoflClient

# Keys under the daemon's built-in mock root: a real daemon derives others, so only lengths count there.
MOCK_KEYS = {
    KeyKind.RAW_256: "8713048d1c582308674ed810d797b2cd1b324579d3981789aae4306379d13dcb",
    KeyKind.RAW_384: "8451880ac29d1246007454d44c1b52427706f1a2c67dd60938dc2923bff20016"
    "adef008cb142e311f244530bfb87f81d",
    KeyKind.ED25519: "f0521b00f9cede67f00dd6e34f7f7be0891f4cdc530087546815dddd5ec779b6",
    KeyKind.SECP256K1: "f7df8d8a5392ed43482f52f3be9af77b278bb4ba2ec34120e007f79d7cb0b1e6",
}


def check(name: str, got: object, wanted: object) -> None:
    if got != wanted:
        print(f"MISMATCH {name}: got {got!r}, wanted {wanted!r}")
        sys.exit(1)
    print(f"ok {name}")


def refusal(call) -> tuple[int, str]:
    """Status and text with which the daemon refuses."""
    try:
        call()
    except httpx.HTTPStatusError as error:
        return error.response.status_code, error.response.text
    return 200, ""


def main(socket: str) -> None:
    client = RoflClient(url=socket)
    check("app id", client.get_app_id()[:5], "rofl1")
    for kind, key in MOCK_KEYS.items():
        check(f"key {kind.value}", client.generate_key("my-key", kind), key)
    check("default kind", client.generate_key("my-key"), MOCK_KEYS[KeyKind.SECP256K1])
    check("escaped key id", refusal(lambda: client.generate_key('a"b'))[0], 422)

    client.set_metadata({"a": "1", "b": "2"})
    check("metadata set", client.get_metadata(), {"a": "1", "b": "2"})
    client.set_metadata({"c": "3"})
    check("metadata replaced", client.get_metadata(), {"c": "3"})
    long = {"k": "x" * 16385}
    check("long value", refusal(lambda: client.set_metadata(long)), (400, "invalid argument"))
    many = {f"k{index}": "v" for index in range(55)}
    check("many pairs", refusal(lambda: client.set_metadata(many)), (400, "invalid argument"))
    check("metadata kept", client.get_metadata(), {"c": "3"})
    client.set_metadata({})
    check("metadata cleared", client.get_metadata(), {})

    away = "runtime not available"
    query = refusal(lambda: client.query("core.Parameters", b"\xf6"))
    check("query", query, (500, f"Query failed: {away}"))
    garbage = refusal(lambda: client.query("core.Parameters", b"\xff"))
    check("query garbage", garbage, (500, "Query failed: parsing failed"))
    call = {"to": "0x" + "11" * 20, "gas": 200000, "value": 0, "data": "0xdeadbeef"}
    check("transaction", refusal(lambda: client.sign_submit(call)), (400, away))
    short = {**call, "to": "0x01"}
    check("short address", refusal(lambda: client.sign_submit(short)), (400, "malformed address"))

    async def asynchronous() -> None:
        aclient = AsyncRoflClient(url=socket)
        check("async app id", await aclient.get_app_id(), client.get_app_id())
        key = await aclient.generate_key("my-key", KeyKind.ED25519)
        check("async key", key, MOCK_KEYS[KeyKind.ED25519])
        await aclient.set_metadata({"d": "4"})
        check("async metadata", await aclient.get_metadata(), {"d": "4"})
        await aclient.set_metadata({})

    asyncio.run(asynchronous())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
