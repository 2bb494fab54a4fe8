"""A server of one's own that speaks the API, and made-up meetings for it: for tests, and to try the plugin out."""
