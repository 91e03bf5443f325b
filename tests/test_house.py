"""The rules of the house, each with its reason."""
import ast
import importlib.metadata
import json
import re
import statistics
import subprocess
import sys

import pytest

from ae_core.store import ROOT
from pages.shared import frame

ENGINE = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
          for path in sorted((ROOT / "ae_core").rglob("*.py"))}       # by dotted name
FEATURES = [name for name in ENGINE if name.startswith("ae_core.features.")]
PAGES = sorted((ROOT / "pages").rglob("*.py"))
MODULES = set(ENGINE) | {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
                         for path in PAGES}
TOP_LEVEL = {"app.py", "pages", "ae_core", "weights", "tests", "requirements.txt", "requirements-app.txt", "samples",
             "benchmarks", "README.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Makefile", "pyproject.toml",
             "docs", "Dockerfile", ".dockerignore", "compose.yaml"}


def imports(path):
    """Every module a file imports, as dotted names; `from ae_core import data` counts as ae_core.data.

    What stands below `if TYPE_CHECKING` is for readers and the type checker and never runs.
    """
    found, nodes = set(), [ast.parse(path.read_text("utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            nodes += ast.iter_child_nodes(node)
    return found


def packages(path):
    return {name.split(".")[0] for name in imports(path)}


def tracked():
    output = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [line for line in output.splitlines() if (ROOT / line).is_file()]


@pytest.mark.parametrize("name", ENGINE)
def test_engine_never_imports_streamlit(name):
    """The engine serves notebooks and scripts too."""
    assert not packages(ENGINE[name]) & {"streamlit", "pages"}


@pytest.mark.parametrize("name", [name for name in ENGINE if not name.startswith("ae_core.training")])
def test_only_training_imports_keras(name):
    """TensorFlow costs seconds and hundreds of megabytes at import; ONNX Runtime serves without it."""
    foreign = {"keras", "tensorflow", "tf2onnx", "onnx", "h5py"}
    # An uploaded graph is parsed before it is run; one for the browser is taken apart.
    foreign -= {"onnx"} if name in ("ae_core.own.bundle", "ae_core.browser") else set()
    assert not packages(ENGINE[name]) & foreign
    if name not in ("ae_core.__main__", "ae_core.own.worker"):   # the commands and the process that train
        assert not any(module.startswith("ae_core.training") for module in imports(ENGINE[name]))


ROOMS = (                        # from the top of the house to its ground; arrows run downward
    ("__main__",), ("own",), ("training", "features"), ("browser",), ("model", "latent", "attributes"), ("pictures",),
    ("store",), ("presets",), ("families", "metrics", "files", "guard"))


def room(name):
    """The room of a module: ae_core.pictures.sheets -> pictures."""
    return name.removeprefix("ae_core").lstrip(".").split(".")[0]


def test_every_room_has_its_floor():
    floors = [each for floor in ROOMS for each in floor]
    assert {room(name) for name in ENGINE} - {""} <= set(floors) and len(set(floors)) == len(floors)


@pytest.mark.parametrize("name", [name for name in ENGINE if name != "ae_core"])
def test_arrows_run_downward(name):
    """What is below can be read, used and tested without what is above it."""
    floor = next(number for number, rooms in enumerate(ROOMS) if room(name) in rooms)
    below = {each for rooms in ROOMS[floor + 1:] for each in rooms} | {room(name), ""}
    assert {room(other) for other in imports(ENGINE[name]) if other.startswith("ae_core")} <= below


def test_no_import_goes_in_a_circle():
    arrows = {name: imports(path) & set(ENGINE) - {name} for name, path in ENGINE.items()}
    while free := [name for name, others in arrows.items() if not others & set(arrows)]:
        for name in free:
            arrows.pop(name)
    assert not arrows


NOUNS = ("network", "dataset")   # each has a registry, whose entry says what is true of it


def is_name_test(node):
    """Whether a comparison holds a `network` or a `dataset` against names: `preset.network == "dense"`."""
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    named = {getattr(side, "attr", getattr(side, "id", "")) for side in sides} & set(NOUNS)
    return bool(named) and any(isinstance(part, ast.Constant) and isinstance(part.value, str)
                               for side in sides for part in ast.walk(side))


def test_a_name_test_is_known_when_seen():
    for text in ("preset.network == 'dense'", "network in ('dense', 'conv')", "'celeba' != self.preset.dataset"):
        assert is_name_test(ast.parse(text, mode="eval").body)
    for text in ("preset.network in families.FAMILIES", "one.dataset == other.dataset", "name == 'dense'"):
        assert not is_name_test(ast.parse(text, mode="eval").body)


def test_files_are_renamed_in_one_place():
    """Only `files` flushes what it renames, under a name of its own, and insists where Windows refuses."""
    found = {path.name for path in ENGINE.values()
             if re.search(r"(?<!files)\.rename\(|os\.replace\(|\.replace\((target|path)\)", path.read_text("utf-8"))}
    assert found == {"files.py"}


@pytest.mark.parametrize("path", ENGINE.values(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_decided_by_a_name(path):
    """What is true of one network or data set is a field of its registry entry: the next one can have it too."""
    assert not [ast.unparse(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))) if is_name_test(node)]


@pytest.mark.parametrize("name", FEATURES)
def test_features_never_import_each_other(name):
    """What two features need moves down into the engine, so that each can be read alone."""
    others = {other for other in FEATURES if other.rpartition(".")[2] in frame.PAGES}
    assert not imports(ENGINE[name]) & (others - {name})


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_show_and_never_compute(path):
    """Pages import modules, not names (a test swaps one dotted path), and leave models to the engine."""
    assert not packages(path) & {"keras", "tensorflow", "onnxruntime", "sklearn", "faiss"}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("ae_core", "pages.shared")):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            assert names <= MODULES, f"{path.name} imports names from {node.module}; import the module"


@pytest.mark.parametrize("path", [path for path in map(ROOT.joinpath, tracked()) if path.suffix == ".py"],
                         ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled(path):
    """A pickle runs code; weights and uploads come from anywhere."""
    assert not packages(path) & {"pickle", "joblib", "dill", "cloudpickle", "shelve"}
    unsafe = r"allow_pickle\s*=\s*True|enable_unsafe_deseri|safe_mode\s*=\s*False"
    assert path.name == "test_house.py" or not re.search(unsafe, path.read_text("utf-8"))


def test_top_level_is_fixed():
    """The file one looks for is found at the first guess."""
    found = {line.split("/")[0] for line in tracked()}
    assert {name for name in found if not name.startswith(".")} <= TOP_LEVEL


PAPERS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/reliability.md"]


@pytest.mark.parametrize("page", PAPERS)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^):]+)\)", (ROOT / page).read_text("utf-8")):
        assert ((ROOT / page).parent / target.split("#")[0]).exists(), target


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/reliability.md"])
def test_every_test_that_a_promise_names_exists(page):
    """`test_file.py::test_name` and `test_file.py`, wherever below tests/ they lie."""
    known: dict[str, set[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        known.setdefault(path.name, set()).update(re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"(test_\w+\.py)(?:::(test_\w+))?", (ROOT / page).read_text("utf-8"))
    assert len(named) > 10
    assert [name for name in named if name[0] not in known or name[1] and name[1] not in known[name[0]]] == []


def test_every_file_on_the_map_of_the_readme_exists():
    block = (ROOT / "README.md").read_text("utf-8").split("## Where things are")[1].split("```")[1]
    folder, found = "", []
    for indent, name in re.findall(r"^( *)([\w./]+?/?)(?= {2,}|$)", block, re.MULTILINE):
        folder = folder if indent else name * name.endswith("/")
        found.append(folder * bool(indent) + name)
    assert len(found) > 20 and [path for path in found if not (ROOT / path).exists()] == []


def test_every_page_of_the_table_exists():
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} == set(frame.PAGES)
    assert {path.stem for path in (ROOT / "pages").glob("*.md")} == set(frame.PAGES) - {"home"}
    assert all((ROOT / page.file).is_file() for page in frame.PAGES.values())


def test_pages_are_short():
    """A page fits into the head: what is maths or data is in features/, what two pages share is in shared/."""
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "pages").glob("*.py")}
    assert max(lengths.values()) <= 250 and statistics.median(lengths.values()) < 130, lengths


def functions(path):
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("path", [path for path in PAGES if path.parent.name != "live"], ids=lambda path: path.stem)
def test_functions_are_short(path):
    """A function fits on a screen."""
    lengths = {node.name: node.end_lineno - node.lineno + 1 for node in functions(path)}
    assert {name for name, length in lengths.items() if length > 45} == set()


@pytest.mark.parametrize("path", [path for path in PAGES if "shared" in path.parts], ids=lambda path: path.stem)
def test_what_pages_share_is_typed(path):
    """Ten pages rely on it, and a checker can only hold them to what is written down."""
    public = [node for node in functions(path) if not node.name.startswith("_") and node.col_offset == 0]
    bare = [node.name for node in public if node.returns is None
            or any(each.annotation is None for each in node.args.args + node.args.kwonlyargs)]
    assert bare == []


OPEN_EVERY_PAGE = """
import importlib.abc, json, sys

blocked, wanted = set(json.loads(sys.argv[1])), set()

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            wanted.add(name.split(".")[0])
            raise ModuleNotFoundError(f"{name} is not in requirements-app.txt", name=name)

sys.meta_path.insert(0, Block())
from streamlit.testing.v1 import AppTest
from pages.shared import frame
failures = []
for page in frame.PAGES.values():
    app = AppTest.from_file(page.file, default_timeout=120).run()
    failures += [f"{page.file}: {error.message} {error.stack_trace}" for error in app.exception]
loaded = {name.split(".")[0] for name in sys.modules}
print(json.dumps({"failures": failures, "wanted": sorted(wanted), "loaded": sorted(loaded)}))
"""


def open_every_page(blocked):
    done = subprocess.run([sys.executable, "-c", OPEN_EVERY_PAGE, json.dumps(sorted(blocked))], cwd=ROOT,
                          capture_output=True, text=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def closure(requirements):
    """Every distribution that a requirements file brings, its needs included."""
    from packaging.requirements import Requirement

    found, queue = set(), [Requirement(line.split("#")[0]) for line in requirements.read_text("utf-8").splitlines()
                           if line.split("#")[0].strip()]
    while queue:
        requirement = queue.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        try:
            queue += [Requirement(line) for line in importlib.metadata.requires(name) or []]
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def test_app_requirements_open_every_page_without_tensorflow():
    """requirements-app.txt is enough to serve: every other installed package is hidden, and each page still opens.

    Nor does a page try for Keras, so that TensorFlow stays out of the server on a developer's machine as well.
    """
    allowed = closure(ROOT / "requirements-app.txt")
    hidden = {module for module, owners in importlib.metadata.packages_distributions().items()
              if not {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} & allowed}
    assert {"tensorflow", "keras", "tf2onnx", "h5py", "pytest"} <= hidden
    outcome = open_every_page(hidden)
    assert outcome["failures"] == []
    assert not {"keras", "tf2onnx"} & set(outcome["wanted"])
