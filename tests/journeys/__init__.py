"""Black boxes: the system as people meet it, through git, HTTP, mail and the command line."""
