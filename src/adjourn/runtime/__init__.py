"""What carries the core's commands out: driver, clock, files of facts."""
