"""The one process that faces the internet: triggers, approval links, chat actions."""
