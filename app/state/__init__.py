"""What pages work on: settings, the studio, this session, drafts of recipes and launches."""
