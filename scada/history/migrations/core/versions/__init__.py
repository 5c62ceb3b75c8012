"""One file a step; `scada.history.upgrade` runs them."""
