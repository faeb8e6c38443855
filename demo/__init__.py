"""The sample service that ``wstape demo`` records and breaks, its client, and the story told with them."""
