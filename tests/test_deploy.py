"""What is in deploy/: names what exists, and is taken by the programs it is written for."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs, and one use

from adjourn.config import Config, load_config

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def test_the_image_is_made_of_files_that_exist_and_are_let_in() -> None:
    copied = {
        name
        for line in (DEPLOY / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    }
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert copied == {line.removeprefix("!") for line in let_in if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)


def test_what_the_image_installs_is_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {*project["dependencies"], *project["optional-dependencies"]["otel"]}
    names = {one.partition(">")[0].partition(";")[0].lower() for one in asked}
    locked = {
        line.partition("==")[0]: line.partition("==")[2].split()[0]
        for line in (ROOT / "requirements-serve.lock").read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    }
    assert names <= set(locked)
    tested = (ROOT / "requirements.lock").read_text()
    assert [
        n for n, v in locked.items() if f"\n{n}==" in tested and f"\n{n}=={v} " not in tested
    ] == []


@pytest.mark.parametrize("where", ["Dockerfile", "adjourn.service"])
def test_variables_of_the_environment_are_keys(where: str) -> None:
    text = (DEPLOY / where).read_text().replace("\\\n", " ")
    words = [word.removeprefix("Environment=") for word in text.split() if "ADJOURN_" in word]
    environ = dict(word.split("=", 1) for word in words)
    environ.pop("ADJOURN_UPSTREAM__API_KEY_FILE", None)  # names a file that only systemd makes
    assert load_config(None, environ=environ).store.path.endswith("adjourn/adjourn.sqlite3")


def test_the_configuration_is_one(tmp_path: Path) -> None:
    text = (DEPLOY / "adjourn.toml").read_text()
    for name in ("upstream", "database", "appeals", "console"):
        (tmp_path / name).write_text(name * 8)
    file = tmp_path / "adjourn.toml"
    file.write_text(text.replace("/run/secrets", str(tmp_path)))
    config = load_config(str(file), environ={})
    assert isinstance(config, Config)
    assert config.store.url
    assert config.store.password == "database" * 8


def test_the_services_use_what_is_defined() -> None:
    made = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    gateway, database = made["services"]["gateway"], made["services"]["database"]
    assert (DEPLOY / gateway["build"]["context"] / gateway["build"]["dockerfile"]).exists()
    assert {one["source"] for one in gateway["configs"]} == set(made["configs"])
    assert (DEPLOY / made["configs"]["adjourn"]["file"]).exists()
    assert {*gateway["secrets"], *database["secrets"]} == set(made["secrets"])
    wanted = (DEPLOY / "adjourn.toml").read_text()
    assert all(f"/run/secrets/{name}" in wanted for name in gateway["secrets"])
    used = {one.partition(":")[0] for one in (*gateway["volumes"], *database["volumes"])}
    assert used == set(made["volumes"])


def test_systemd_takes_the_unit() -> None:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed here")
    asked = subprocess.run(
        [found, "verify", "--man=no", str(DEPLOY / "adjourn.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in asked.stderr.splitlines() if "adjourn.service" in line]
    assert [line for line in told if "is not executable" not in line] == []
