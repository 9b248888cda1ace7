"""Where contacts come from: files read row by row, in constant memory."""
