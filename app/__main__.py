"""`python -m app`, which `make run` calls: everything on this machine."""

from app.front_door import main

if __name__ == "__main__":
    main()
