"""What `headrace run` consists of: a workflow on this machine, without a server."""
