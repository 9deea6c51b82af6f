"""Clients for what adjourn asks over the network: the model behind the gateway."""
