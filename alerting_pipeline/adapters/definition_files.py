"""The folder of definitions: every file read, inherited values merged, all checks made, all problems with their place.

One file's errors never reach another: each is read and checked by itself, and what it needs from its neighbours
(people, destinations, the catalog) is only checked against where that could be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from alerting_pipeline.adapters import short_forms
from alerting_pipeline.adapters.definition_reader import build, located, values_of
from alerting_pipeline.adapters.definition_tree import (
    Pair,
    kind_of,
    labels_in,
    merged_tree,
    meta_layer,
    missing_file,
    name_in,
    name_key,
    names_in,
    not_a_map,
    origins_of,
)
from alerting_pipeline.adapters.destination_file import read_destinations
from alerting_pipeline.adapters.template_names import body_names, template_names
from alerting_pipeline.adapters.yaml_tree import BadYaml, Node, read
from alerting_pipeline.domain import not_in_force
from alerting_pipeline.domain.branch_check import check_columns, check_receivers
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.data_definition_check import check_data
from alerting_pipeline.domain.defaults import defaults_model, inheritable_keys
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.definition_check import check_alert
from alerting_pipeline.domain.destination import INBOX, Destination
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.inheritance import OWN_KEYS, Inherited, Layer, inherit
from alerting_pipeline.domain.loaded import Loaded, SourceFile
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.people_check import check_people_file
from alerting_pipeline.domain.problem import NOTE, Finding, Problem
from alerting_pipeline.domain.reference_check import (
    check_destinations,
    check_labels,
    check_owner,
    check_people,
    check_routing,
)
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.report_check import check_report
from alerting_pipeline.domain.routing_tree import RoutingTree, with_engineers
from alerting_pipeline.domain.system_override import SystemOverride, check_name, check_override

PEOPLE, ROUTING, DESTINATIONS, DEFAULTS_FILE, AREA_DEFAULTS = (
    "people.yaml", "routing.yaml", "destinations.yaml", "defaults.yaml", "_defaults.yaml"
)  # fmt: skip
_SHORT_FORMS = {PEOPLE: short_forms.people, ROUTING: short_forms.routing_tree}
M = TypeVar("M", bound=BaseModel)
_OWN = OWN_KEYS - {"version"}


def load(
    folder: Path,
    catalog: Catalog | None,
    *,
    project: Path | None = None,
    beside: Sequence[Path] = (),
    today: date | None = None,
) -> Loaded:
    """Read and check the whole folder. Without a catalog, models and columns are not checked.

    `project` is the folder that runbooks are looked for in; default: the one around `folder`. `beside` are definition
    files elsewhere, checked as if they were in the folder (drafts). `today` is the day that absences are held against;
    without it they aren't. Raises AlertingError if there is no such folder.
    """
    if not folder.is_dir():
        raise AlertingError(f"{folder} is not a folder; point ALERTING_DEFINITIONS to the alert definitions")
    return _Folder(folder, catalog, project or folder.parent, beside, today).load()


@dataclass(slots=True)
class _File:
    """A definition file that could be read as YAML: its tree, its text and, as far as it went, its definition."""

    path: str
    root: Node
    merged: Node
    origins: dict[str, str]
    definition: Definition | None = None
    problems: list[Problem] = field(default_factory=list)


class _Folder:
    def __init__(
        self, folder: Path, catalog: Catalog | None, project: Path, beside: Sequence[Path], today: date | None
    ) -> None:
        self.folder = folder
        self.beside = {path.as_posix(): path for path in beside}
        self.catalog = catalog
        self.project = project
        self.today = today
        self.problems: list[Problem] = []
        self.roots: dict[str, Node] = {}
        self.texts: dict[str, str] = {}
        self.people: People | None = None
        self.destinations: Mapping[str, Destination] | None = None
        self.good_destinations: Mapping[str, Destination] = {}

    def load(self) -> Loaded:
        self._read_files()
        self.people = self._config(PEOPLE, People)
        routing = self._config(ROUTING, RoutingTree)
        self.destinations = self._destinations(routing or RoutingTree())
        self._check_defaults()
        files = [self._definition(path) for path in sorted(self.roots) if _is_definition(path)]
        definitions = self._without_duplicates(files)
        self._check_config(routing, files)
        for file in files:
            self.problems += file.problems
        names = {file.path: name_in(file.root) for file in files}
        return Loaded(
            definitions=definitions,
            people=self.people or People(),
            routing=routing or RoutingTree(),
            destinations=self.good_destinations or {INBOX.name: INBOX},
            problems=tuple(sorted(set(self.problems))),
            origins={file.definition.name: file.origins for file in files if file.definition is not None},
            files=tuple(
                SourceFile(path, text, names.get(path), _is_definition(path))
                for path, text in sorted(self.texts.items())
            ),
            catalog=self.catalog,
        )

    # ---- reading --------------------------------------------------------------------------------------------------

    def _read_files(self) -> None:
        for path in sorted(self.folder.rglob("*.y*ml")):
            name = path.relative_to(self.folder).as_posix()
            if any(part.startswith(".") for part in path.relative_to(self.folder).parts) or path.is_dir():
                continue
            if path.suffix != ".yaml":
                self.problems.append(
                    Problem(name, 1, 1, "the file is not read", f"rename it to {path.stem}.yaml", code="AP117")
                )
                continue
            self._read(name, path)
        for name, path in self.beside.items():
            self._read(name, path)

    def _read(self, name: str, path: Path) -> None:
        try:
            content = path.read_bytes()
            self.texts[name] = content.decode("utf-8", "replace")
            self.roots[name], problems = read(content, name)
            self.problems += problems
        except BadYaml as error:
            self.problems.append(error.problem)
        except OSError as error:
            what = f"the file can't be read ({error.strerror or type(error).__name__})"
            self.problems.append(Problem(name, 1, 1, what, "check its permissions", code="AP117"))

    def _config(self, path: str, model: type[M]) -> M | None:
        """A configuration file as its model; None where it is missing (a note) or bad (its problems)."""
        root = self.roots.get(path)
        if root is None:
            if path not in self.texts:
                what = f"{path} is missing, so what it should state is not checked"
                self.problems.append(Problem(path, 1, 1, what, "write it", severity="note", code=NOTE))
            return None
        if path in _SHORT_FORMS:
            root = self.roots[path] = _SHORT_FORMS[path](root)
        if root.entries is None:
            self.problems.append(not_a_map(root, path))
            return None
        built, problems = build(model, root, values_of(root))
        self.problems += problems
        return built

    def _destinations(self, routing: RoutingTree) -> Mapping[str, Destination] | None:
        root = self.roots.get(DESTINATIONS)
        if root is None or root.entries is None:
            self._config(DESTINATIONS, People)
            return None
        found, problems = read_destinations(root)
        self.problems += problems
        self.good_destinations = with_engineers(found, routing)
        return None if problems else self.good_destinations

    # ---- one definition -------------------------------------------------------------------------------------------

    def _definition(self, path: str) -> _File:
        root = self.roots[path]
        file = _File(path, root, root, {})
        file.problems = [problem for problem in self.problems if problem.path == path]
        if root.entries is None:
            file.problems.append(not_a_map(root, path))
            return file
        kind, problem = kind_of(root)
        if kind is None:
            file.problems.append(problem or not_a_map(root, path))
            return file
        model = self._model_of(root)
        inherited = self._inherited(path, root, kind, model)
        file.merged = merged_tree(root, inherited)
        file.origins = origins_of(inherited, file.merged)
        values = values_of(file.merged)
        for key in ("path", "template_text"):
            if key in values:
                file.problems += located(root, [Finding((key,), f'unknown key "{key}"', "remove it", code="AP102")])
        built, problems = build(kind, file.merged, {**values, "path": path})
        file.problems += problems
        if built is not None:
            file.definition = self._checked(file, built)
        if any(problem.severity == "error" for problem in file.problems):
            file.definition = None
        return file

    def _inherited(self, path: str, root: Node, kind: type[Definition], model: Model | None) -> Inherited[Pair]:
        layers = [Layer(path, root.entries or {})]
        if kind is SystemOverride:
            return inherit(layers, [labels_in(layers[0].values)])
        if model is not None and kind is not DataDefinition:  # the mart's meta.alerting speaks of business alerts
            layers.append(meta_layer(model, kind))
        for area in Path(path).parents[:-1]:
            layers += self._defaults_layer((area / AREA_DEFAULTS).as_posix(), kind)
        layers += self._defaults_layer(DEFAULTS_FILE, kind)
        labels = [labels_in(layer.values) for layer in layers]
        return inherit(layers, labels)

    def _defaults_layer(self, path: str, kind: type[Definition]) -> list[Layer[Pair]]:
        root = self.roots.get(path)
        if root is None or root.entries is None:
            return []
        known = inheritable_keys(kind)
        return [Layer(path, {key: pair for key, pair in root.entries.items() if key in known})]

    def _model_of(self, root: Node) -> Model | None:
        value = (root.entries or {}).get("model")
        name = value[1].value if value is not None else None
        return self.catalog.models.get(name) if self.catalog is not None and name is not None else None

    def _checked(self, file: _File, definition: Definition) -> Definition:
        findings: list[Finding] = list(not_in_force.in_definition(definition))
        if isinstance(definition, AlertDefinition):
            checked = check_alert(definition, self.catalog, template_names)
            findings += checked.findings
            if definition.deviance is None and checked.deviance is not None:
                definition = definition.model_copy(update={"deviance": checked.deviance})
                file.origins["deviance"] = "derived from condition"
        elif isinstance(definition, SystemOverride):
            findings += check_override(definition)
        elif isinstance(definition, DataDefinition):
            findings += check_data(definition, self.catalog)
        elif isinstance(definition, ReportDefinition):
            missing = list(missing_file("template", definition.template, self.folder))
            findings += missing
            if not missing:
                definition = definition.model_copy(update={"template_text": self._text(definition.template)})
            findings += check_report(definition, self.catalog, template_names, body_names)
        if isinstance(definition, AlertDefinition | SystemOverride) and self.destinations is not None:
            findings += check_destinations(definition, self.destinations, self.people)
        if not isinstance(definition, SystemOverride):
            findings += check_name(definition)
        if self.people is not None and "owner" in (file.merged.entries or {}):
            findings += check_people(definition, self.people)
        runbook = getattr(definition, "runbook", None)
        if runbook and not runbook.startswith(("https://", "http://")):
            findings += missing_file("runbook", runbook.split("#")[0], self.project, self.folder.parent)
        file.problems += located(file.merged, findings)
        return definition

    def _text(self, template: str) -> str:
        return (self.folder / template).read_text(encoding="utf-8", errors="replace")

    # ---- between the files ----------------------------------------------------------------------------------------

    def _check_defaults(self) -> None:
        """Defaults are checked by themselves, so that a mistake shows although nobody inherits it yet."""
        for path, root in self.roots.items():
            if Path(path).name not in (DEFAULTS_FILE, AREA_DEFAULTS):
                continue
            if root.entries is None:
                self.problems.append(not_a_map(root, path))
                continue
            own = [
                Finding((key,), f"{key} cannot be inherited", "state it in each definition", code="AP115")
                for key in sorted(_OWN & set(root.entries))
            ]
            values = {key: value for key, value in values_of(root).items() if key not in _OWN}
            if self.people is not None and isinstance(values.get("owner"), str):
                own += check_owner(str(values["owner"]), self.people)
            self.problems += [*build(defaults_model(), root, values)[1], *located(root, own)]

    def _check_config(self, routing: RoutingTree | None, files: Sequence[_File]) -> None:
        if self.people is not None:
            findings = list(check_people_file(self.people, self.today))
            self.problems += located(self.roots[PEOPLE], findings)
        if routing is not None:
            findings = list(check_routing(routing, self.destinations, self.people))
            stated = [file.merged.entries or {} for file in files]
            labels = {label for entries in stated for label in labels_in(entries)}
            columns = {name for entries in stated for name in names_in(entries, "entity")}
            findings += check_labels(routing, labels, columns)
            if self.people is not None and self.destinations is not None:
                findings += check_receivers(routing, AddressBook(self.destinations, self.people))
            findings += check_columns(routing, [file.definition for file in files], self.catalog)
            self.problems += located(self.roots[ROUTING], findings)

    def _without_duplicates(self, files: Sequence[_File]) -> dict[str, Definition]:
        """Good definitions by name. Of two files with one name neither is taken: nobody could say which is meant."""
        by_name: dict[str, list[_File]] = {}
        for file in files:
            name = name_in(file.root)
            if name is not None and file.path not in self.beside:
                by_name.setdefault(name, []).append(file)
        for name, same in by_name.items():
            for file in same if len(same) > 1 else ():
                others = ", ".join(other.path for other in same if other is not file)
                what = f'the name "{name}" is also used by {others}'
                file.problems += located(
                    file.root, [Finding(name_key(file.root), what, "rename one of them", code="AP111")]
                )
                file.definition = None
        good = {file.definition.name: file.definition for file in files if file.definition is not None}
        for file in files:
            earlier = getattr(file.definition, "renamed_from", None)
            if earlier is not None and earlier in by_name:
                other = by_name[earlier][0]
                whose = "its own name" if other is file else f"still the name of {other.path}"
                what = f'renamed_from "{earlier}" is {whose}'
                finding = Finding(("renamed_from",), what, "rename that one, or remove renamed_from", code="AP111")
                file.problems += located(file.root, [finding])
                good.pop(name_in(file.root) or "", None)
        return good


def _is_definition(path: str) -> bool:
    name = Path(path).name
    return name != AREA_DEFAULTS and path not in (PEOPLE, ROUTING, DESTINATIONS, DEFAULTS_FILE)
