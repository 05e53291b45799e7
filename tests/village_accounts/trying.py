"""A process that tries wrong passwords: `python trying.py URI FOLDER NAME TIMES`; prints how many were looked at."""

import asyncio
import sys
from pathlib import Path

from account_room import CHEAP, HOST, NOW

from certsvc.access.passkeys import PasskeyChecks
from certsvc.access.passwords import Passwords
from certsvc.access.sign_in import SignIn, Typed, Visitor
from certsvc.custody.payloads import open_payload_cipher
from certsvc.errors import SignInLocked, SignInRefused
from certsvc.store.account_credentials import PostgresCredentials
from certsvc.store.accounts import PostgresAccounts
from certsvc.store.pool import open_pool


async def main(uri: str, folder: str, name: str, times: str) -> None:
    looked_at = 0
    async with open_pool(uri) as pool:
        sign_in = SignIn(
            accounts=PostgresAccounts(pool),
            credentials=PostgresCredentials(pool),
            cipher=open_payload_cipher(Path(folder), {}),
            passwords=Passwords(CHEAP),
            passkeys=PasskeyChecks(f"https://{HOST}", "test"),
        )
        for number in range(int(times)):
            try:
                visitor = Visitor(address=f"198.51.100.{number}")
                await sign_in.by_password(name, Typed(password="这不是密码但是很长"), visitor, NOW)
            except SignInRefused:
                looked_at += 1
            except SignInLocked:
                continue
    print(looked_at)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
