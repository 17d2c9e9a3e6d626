"""The one exception that stands for a mistake in what the user gave."""


class UserError(Exception):
    """A mistake in a file, field or argument that the user can mend.

    The message is a clear line (one for each mistake) that names the file and the row or field, says
    what is wrong and what would be right. The command line prints it without a traceback and exits
    with status 2.
    """
