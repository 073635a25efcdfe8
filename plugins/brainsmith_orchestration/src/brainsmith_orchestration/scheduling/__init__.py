"""Which build runs when: order, resources, retries; everything here takes its time from a clock that it is given."""
