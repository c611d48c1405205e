"""`python -m mldoctor` is the same as `mldoctor`."""

from mldoctor.cli import main

if __name__ == "__main__":
    main()
