"""`nightdesk key`."""

from app.keys import Keyring
from tests.cli.conftest import Terminal


def test_a_new_key_is_usable_and_new(terminal: Terminal) -> None:
    one, other = (terminal.says("key", "new").strip() for _ in range(2))
    assert one != other
    assert Keyring((one,)).open(Keyring((one,)).close(b"code")) == b"code"


def test_after_rotation_the_old_process_key_may_go(acme: Terminal) -> None:
    acme.says("tenant", "secret", "acme", NIGHTDESK_TENANT_OPENAI_KEY="sk-own")
    old = acme.environment["NIGHTDESK_ENCRYPTION_KEYS"]
    new = acme.says("key", "new").strip()
    acme.environment["NIGHTDESK_ENCRYPTION_KEYS"] = f"{new},{old}"
    assert acme.says("key", "rotate") == "acme: a new key, 1 values closed anew\n"
    acme.environment["NIGHTDESK_ENCRYPTION_KEYS"] = new
    tenant = acme.desk(lambda desk: desk.tenants.get("acme"))
    assert tenant.openai_api_key == "sk-own"
    acme.environment["NIGHTDESK_ENCRYPTION_KEYS"] = old
    assert acme.type("tenant", "list").exit_code == 1
