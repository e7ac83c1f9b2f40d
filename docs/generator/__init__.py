"""What the pages of the documentation derive from the program itself, so that they can't say anything else than it."""
