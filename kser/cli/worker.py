"""`kser worker`: what executors start; people have no use for it."""

from typing import Annotated

from kser.cli.options import option
from kser.startup import check_backend, import_keras


def worker(
    connection: Annotated[int, option("connection", "Descriptor of the connection to the driver.")],
) -> None:
    """Do runs of a study that `kser train` hands out."""
    check_backend()
    import_keras()
    from multiprocessing.connection import Connection

    from kser.experiment.executors.worker import serve

    serve(Connection(connection))
