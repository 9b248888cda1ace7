"""Making letters: templates, notices, MIME. Pure but for reading template files; nothing here knows the store."""
