"""Configuration: what is wrong is told in one line with file, line, key and mend."""

from pathlib import Path

import pytest

from adjourn.config import Config, load_config
from adjourn.core.errors import BadConfig


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "adjourn.toml"
    path.write_text(text)
    return str(path)


def test_the_default_configuration_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(environ={})
    assert config == Config()
    assert config.public_url == "http://127.0.0.1:8377"


def test_flags_beat_variables_beat_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, 'policy = "minors"\n[server]\nhost = "::1"\nport = 1\n')
    environ = {"ADJOURN_SERVER__PORT": "2", "ADJOURN_POLICY": "companion", "PATH": "x"}
    config = load_config(file, environ=environ, flags={"server.port": 3, "policy": None})
    assert (config.server.host, config.server.port, config.policy) == ("::1", 3, "companion")


def test_variables_may_hold_several_names() -> None:
    environ = {
        "ADJOURN_UPSTREAM__DIALECTS": "messages, chat_completions",
        "ADJOURN_DETECTION__DETECTORS": "local",
    }
    config = load_config(environ=environ)
    assert config.upstream.dialects == ("messages", "chat_completions")
    assert config.detection.detectors == ("local",)


@pytest.mark.parametrize(
    ("text", "line", "key", "mend"),
    [
        ("[server]\nprot = 1\n", 2, "server.prot", "did you mean port?"),
        ("polcy = 'x'\n", 1, "polcy", "did you mean policy?"),
        ("[server]\nport = 'many'\n", 2, "server.port", "docs/configuration.md"),
        ("\n[server]\nport = 70000\n", 3, "server.port", "from 0 to 65535"),
        ("[upstream]\nbase_url = 'x.org'\n", 2, "upstream.base_url", "http://"),
        ("[upstream]\nidle_timeout_s = 0\n", 2, "upstream.idle_timeout_s", "seconds"),
        ("[detection]\ndeadline_s = -1\n", 2, "detection.deadline_s", "seconds"),
        ("[upstream]\napi_key_file = '/no/such'\n", 2, "upstream.api_key_file", "holds the key"),
        ("[upstream]\ndialects = []\n", 2, "upstream.dialects", "what the server speaks"),
        ("[upstream]\ndialects = ['chat']\n", 2, "upstream.dialects", "docs/configuration.md"),
        ("[[keys]]\nid = 'a'\nsha256 = 'b'\n", 1, "keys", "adjourn keys new"),
        ("[[keys]]\nid = 'a'\nsha526 = 'b'\n", 3, "keys.sha526", "did you mean sha256?"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, line: int, key: str, mend: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(BadConfig) as told:
        load_config(file, environ={})
    message = str(told.value)
    assert message.startswith(f"{file}:{line}: {key}:")
    assert mend in message
    assert "\n" not in message


def test_a_bad_variable_or_flag_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    with pytest.raises(BadConfig, match=r"ADJOURN_SERVER__PORT: server\.port:"):
        load_config(file, environ={"ADJOURN_SERVER__PORT": "x"})
    with pytest.raises(BadConfig, match=r"--base-url: upstream\.base_url:"):
        load_config(file, environ={}, flags={"upstream.base_url": "ftp://x"})


def test_a_missing_or_unreadable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read"):
        load_config(str(tmp_path / "none.toml"), environ={})
    broken = write(tmp_path, "a = = 1\n")
    with pytest.raises(BadConfig, match=r"not TOML.*line 1"):
        load_config(broken, environ={})


def test_the_key_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("s3cret\n")
    file = write(tmp_path, f"[upstream]\napi_key_file = '{secret}'\n")
    assert load_config(file, environ={}).upstream.api_key == "s3cret"


def test_every_key_is_in_the_documentation() -> None:
    text = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text()
    for name in Config.__struct_fields__:
        value = getattr(Config(), name)
        keys = [f"{name}.{key}" for key in getattr(value, "__struct_fields__", ())] or [name]
        for key in keys:
            assert f"`{key}`" in text
