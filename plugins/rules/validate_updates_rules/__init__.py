"""Declarative rules for records, compiled to SQL: a plugin."""
