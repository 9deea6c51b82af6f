"""``python -m adjourn``."""

from adjourn.cli import main

if __name__ == "__main__":
    main()
