"""Pure data: what a mail, a contact, a campaign and a verdict are. No I/O, no clock, no randomness."""
