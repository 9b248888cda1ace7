"""The relay's doors: other programs hand in mail here, by SMTP and by HTTP."""
