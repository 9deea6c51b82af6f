"""What models do when they may leave: tasks, solvers and scorers on Inspect AI (extra ``eval``)."""
