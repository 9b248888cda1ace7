"""What becomes of mails, told to others: read from the ledger, exported, and called out."""
