"""How much room everything takes."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import reads
from grice_core.store.references import Collected

_SIZE_OF_DATABASE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


@reads
def database_bytes(session: Session) -> int:
    """Size of the database, indices included."""
    query = text(_SIZE_OF_DATABASE[session.get_bind().dialect.name])
    return int(session.execute(query).scalar_one())


def stored_files(artifacts: ArtifactStore) -> Collected:
    """All files of the artifact store, logs included; a look at each name, which may take a while."""
    sizes = [file.size_bytes for file in (*artifacts.stored(), *artifacts.objects.names("logs"))]
    return Collected(len(sizes), sum(sizes))
