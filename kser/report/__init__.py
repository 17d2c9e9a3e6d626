"""A study as one HTML page: its folder is read (`study_folder`), each section is a file, `page` puts them
together."""
