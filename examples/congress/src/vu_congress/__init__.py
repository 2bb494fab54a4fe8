"""Committee meetings of the US Congress for validate-updates, from the Congress.gov API, version 3."""
