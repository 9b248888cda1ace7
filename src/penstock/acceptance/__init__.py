"""Where mails come in: what may be handed in, by whom, and how each is saved once before its answer."""
