"""Adding headers and notices to messages that somebody else wrote: octets that need not change stay as they are."""
