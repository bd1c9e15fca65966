"""python -m planit_mailer."""

from planit_mailer.cli import main

if __name__ == "__main__":
    main()
