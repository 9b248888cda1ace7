"""Ways out: each adapter hands finished mails on."""
