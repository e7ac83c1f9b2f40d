"""One verb a module: load, decide in pure code, save."""
