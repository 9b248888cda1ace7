"""The way of a mail from decided to done: begun, handed over, ended, tried again. What holds tickets lies here, too."""
