"""Where a key lies, in words for a transcript."""

import pytest

from certsvc.custody.place import is_made_here, where
from certsvc.errors import CustodyError

MODULE = "module-path=/usr/lib/token.so"


@pytest.mark.parametrize(
    ("uri", "told", "made_here"),
    [
        ("file:/keys/a.key", "文件 file /keys/a.key", True),
        (f"pkcs11:token=Vault;object=a?{MODULE}&pin-source=file:/pin", "令牌 token Vault, object a", True),
        (f"pkcs11:serial=07;id=%0a?{MODULE}", "令牌 token 07, id 0a", True),
        (f"pkcs11:slot-id=3;object=a?{MODULE}", "令牌 token slot 3, object a", True),
        (
            "csc+https://signer.example:8443/csc/v2?credentialID=a%2F1&ca=/ca.pem",
            "远程签名服务 remote signer signer.example:8443, credentialID a/1",
            False,
        ),
    ],
)
def test_a_place_is_told_without_secrets_and_without_how_to_get_there(uri: str, told: str, made_here: bool) -> None:
    assert where(uri) == told
    assert is_made_here(uri) is made_here


@pytest.mark.parametrize("uri", ["http://signer.example", "csc+https://signer.example/csc/v2", "pkcs11:token=Vault"])
def test_what_is_no_place_is_refused(uri: str) -> None:
    with pytest.raises(CustodyError):
        where(uri)
