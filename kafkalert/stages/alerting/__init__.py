"""Alerting: entries in, alerts out, by the rules that customers have set."""
