"""One stage trained by several processes, which compute what one process would."""
