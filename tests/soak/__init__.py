"""The promises of docs/reliability.md at full count: `python -m tests.soak` measures them and writes the page."""
