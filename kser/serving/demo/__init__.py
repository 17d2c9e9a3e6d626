"""The page on which people classify their own voice, by a server or in the browser alone."""
