from __future__ import annotations

import pytest

from engine.adapters.secrets import SecretStore
from engine.errors import NotFound, Unavailable


def test_a_file_comes_before_the_environment(tmp_path):
    (tmp_path / "token").write_text("from file\r\n")
    store = SecretStore(str(tmp_path), {"HEADRACE_SECRET_TOKEN": "from environment", "HEADRACE_SECRET_OTHER": "other"})
    assert store.get("token") == "from file"
    assert store.get("other") == "other"
    (tmp_path / "token").write_text("rotated")
    assert store.get("token") == "rotated"


def test_a_missing_secret_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(NotFound) as caught:
        SecretStore(str(tmp_path), {}).get("my-token")
    assert str(tmp_path / "my-token") in str(caught.value)
    assert "HEADRACE_SECRET_MY_TOKEN" in str(caught.value)


def test_an_empty_secret_is_missing(tmp_path):
    (tmp_path / "token").write_text("\n")
    with pytest.raises(NotFound):
        SecretStore(str(tmp_path), {"HEADRACE_SECRET_TOKEN": ""}).get("token")


@pytest.mark.parametrize("name", ["../outside", "..", "/etc/passwd", "a/b", "", ".hidden", "a\0b"])
def test_a_name_cannot_leave_the_folder(tmp_path, name):
    (tmp_path / "outside").write_text("canary")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ".hidden").write_text("canary")
    with pytest.raises(NotFound):
        SecretStore(str(tmp_path / "in"), {}).get(name)


def test_a_secret_that_cannot_be_read_is_unavailable_and_not_quoted(tmp_path):
    (tmp_path / "token").write_bytes(b"canary\xff")
    (tmp_path / "folder").mkdir()
    for name in ("token", "folder"):
        with pytest.raises(Unavailable) as caught:
            SecretStore(str(tmp_path), {}).get(name)
        assert "canary" not in str(caught.value)
