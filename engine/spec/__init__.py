"""YAML in, core values out; the only place that knows positions."""
