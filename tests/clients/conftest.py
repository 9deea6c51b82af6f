"""The same running gateway as the SDKs' tests."""

from tests.gateway.conftest import run, stopping

__all__ = ["run", "stopping"]
