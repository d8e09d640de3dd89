"""One stage on several processes, which compute what one process would."""
