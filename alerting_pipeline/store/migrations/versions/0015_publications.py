"""When which version of a definition was in force, and who wrote it: going back to an earlier text is seen, too."""

from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = """
create table ledger.publications (
    publication_id bigint generated always as identity primary key,
    alert text not null,
    version text,
    path text not null,
    git_revision text,
    author text,
    is_committed boolean,
    published_at timestamptz not null default clock_timestamp()
);
create index publications_by_alert on ledger.publications (alert, publication_id);

insert into ledger.publications (alert, version, path, git_revision, published_at)
select alert, version, path, git_revision, stored_at from ledger.definition_versions order by stored_at, alert, version;
"""

VIEW = """
create view alerting.definition_versions as
select
    p.alert, p.version, v.kind, p.path, p.git_revision, p.author, p.is_committed,
    p.published_at as in_force_from,
    lead(p.published_at) over (partition by p.alert order by p.publication_id) as in_force_to,
    v.body as definition
from ledger.publications as p
left join ledger.definition_versions as v using (alert, version);
"""

COMMENTS = {
    "alert": "Name of the definition; people.yaml, routing.yaml and destinations.yaml go by the names of their files.",
    "version": "Version that came into force; NULL: the definition was removed then.",
    "kind": "business, data, system, report or config; NULL where it was removed.",
    "path": "File, relative to the folder of definitions.",
    "git_revision": "Commit that was checked out then; NULL where there was no repository.",
    "author": "Who changed the file last, by git; of a file that is not committed, who put it into force.",
    "is_committed": "Was the file as in that commit? NULL where nobody knows.",
    "in_force_from": "Database clock at which it came into force.",
    "in_force_to": "Database clock at which another one did; NULL while it is in force.",
    "definition": "The whole of it, defaults included; NULL where it was removed.",
}

GRANTS = (
    "grant select, insert on ledger.publications to alerting_app",
    "grant select on alerting.definition_versions to alerting_app, analyst",
)


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEW)
    op.execute("comment on view alerting.definition_versions is 'One row per version that came into force.'")
    for column, text in COMMENTS.items():
        op.execute(f"comment on column alerting.definition_versions.{column} is '{text}'")
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
