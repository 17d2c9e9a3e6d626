"""What layers of models hold: hidden states of recordings in files, features beside them, studies of both."""
