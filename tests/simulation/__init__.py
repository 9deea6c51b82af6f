"""A world in which everything fails, in virtual time: real gateways, and laws that must hold."""
