"""The command line of the evaluations."""

import sys

import pytest

from adjourn.cli import main


def test_help_names_every_command_without_importing_inspect(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = set(sys.modules)
    with pytest.raises(SystemExit) as left:
        main(["eval", "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    for name in ("ladder", "bailbench", "welfare", "report"):
        assert name in shown
    assert "inspect_ai" not in set(sys.modules) - before


def test_without_the_extra_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.startswith(("adjourn.evals", "adjourn.cli."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    with pytest.raises(SystemExit) as left:
        main(["eval", "ladder", "--model", "x", "--out", "y"])
    assert left.value.code == 2
    assert "pip install 'adjourn[eval]'" in capsys.readouterr().err
