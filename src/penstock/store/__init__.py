"""What is kept: contacts, suppressions, mails and the ledger, in one SQLite file."""
