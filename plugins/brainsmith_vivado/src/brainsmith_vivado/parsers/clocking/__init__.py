"""Clock utilisation: buffers and clock managers, clock nets, and what they drive where."""
