"""Parsers of the report files that FINN and FINN+ write, every version's schema, one module per family of reports."""
