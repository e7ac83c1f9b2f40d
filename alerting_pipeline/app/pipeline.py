"""The data side: sources, raw tables, the dbt project."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from alerting_pipeline.app.databases import Databases

if TYPE_CHECKING:
    from alerting_pipeline.adapters.dbt_project import DbtProject
    from alerting_pipeline.adapters.source_declarations import Declared
    from alerting_pipeline.adapters.source_files import LocalFiles


class Pipeline(Databases):
    """From files to marts."""

    @cached_property
    def sources(self) -> Declared:
        """The declared sources; read from the files, no dbt and no database."""
        from alerting_pipeline.adapters.source_declarations import read_sources

        return read_sources(self.settings.dbt_project)

    @cached_property
    def source_files(self) -> LocalFiles:
        """What lies in the landing folder, or at another location."""
        from alerting_pipeline.adapters.content_hashes import ContentHashes
        from alerting_pipeline.adapters.source_files import LocalFiles

        return LocalFiles(self.settings.landing, ContentHashes(self.settings.home / "content_hashes.sqlite"))

    @cached_property
    def dbt_project(self) -> DbtProject:
        """The transformations; parsing needs no database, building brings it up."""
        from alerting_pipeline.adapters.dbt_project import DbtProject
        from alerting_pipeline.settings import child_environment

        return DbtProject(
            self.settings.dbt_project,
            self.settings.home,
            self.settings.database_name,
            lambda: self.owner_url,
            child_environment(self.settings),
        )
