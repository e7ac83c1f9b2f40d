"""Pages in a browser: the local inbox, and what happened to an incident. Stateless, and read only."""
