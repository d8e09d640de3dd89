"""The address bar: what a page shows stands in its link."""
