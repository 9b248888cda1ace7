"""Edits: stages that change a mail's content, one file each."""
