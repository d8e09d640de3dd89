"""`python -m app`, which `make run` calls: everything on this machine."""

from app.server.all_in_one import main

if __name__ == "__main__":
    main()
