"""Where adjourn plugs into other people's frameworks."""
