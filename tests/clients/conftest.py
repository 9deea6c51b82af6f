"""The same running gateway as the SDKs' tests."""

from tests.gateway.conftest import run

__all__ = ["run"]
