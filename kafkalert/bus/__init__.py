"""Kafka clients. Everything that talks to a broker goes through here."""
