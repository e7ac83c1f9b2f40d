"""A company's year on a virtual clock: its people, its data, what goes wrong, and what must hold all the same."""
