"""Keys that prove who said something and who may read it: private ones on disk, public ones in a signed directory."""
