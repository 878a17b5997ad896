"""The command ``triage``."""

from triage.commands import main

if __name__ == "__main__":
    main()
