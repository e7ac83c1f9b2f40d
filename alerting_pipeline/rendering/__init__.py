"""Pure formatters: an incident becomes a neutral message, and that becomes what each channel shows."""
