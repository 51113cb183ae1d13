-- PostgreSQL runs this once, when its volume is empty. `tablao` is there already.
CREATE DATABASE temporal;
CREATE DATABASE temporal_visibility;
