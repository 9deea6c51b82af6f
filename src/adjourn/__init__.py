"""adjourn: gives any chat model the last resort, to end a conversation, and proves it was one."""

__version__ = "0.1.0"
