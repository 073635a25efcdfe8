"""The store: all builds of a project, with their attempts, steps, metrics, events, artefacts and provenance.

Everything here but `location` imports SQLAlchemy: import it inside functions.
"""
