"""The command line, run in this process and, once, as a user runs it."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ae_core import __main__ as command_line
from ae_core import files, presets, store
from ae_core.features import colorize
from ae_core.pictures import datasets, download, sheets
from tests.conftest import tiny, trained

pytestmark = pytest.mark.slow


def run(capsys, *arguments):
    status = command_line.main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_list_names_every_preset(capsys):
    status, out, _ = run(capsys, "list", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0 and [row["name"] for row in rows] == list(presets.PRESETS)
    assert all(isinstance(row["weights"], bool) for row in rows)
    assert all(name in run(capsys, "list")[1] for name in presets.PRESETS)


@pytest.mark.parametrize("arguments", [("evaluate", "nope"), ("train", "nope"), ("export", "nope"), ("evaluate",),
                                       ("data", "--download", "nope")])
def test_a_wrong_name_is_one_line_and_a_failure(capsys, arguments):
    status, out, err = run(capsys, *arguments)
    assert status == 1 and out == "" and len(err.splitlines()) == 1


def test_missing_weights_name_the_command(capsys, own_store):
    for command in ("evaluate", "export"):
        status, _, err = run(capsys, command, "digits_conv")
        assert status == 1 and "python -m ae_core train digits_conv" in err


def test_missing_data_says_what_goes_where(capsys, own_store):
    status, _, err = run(capsys, "train", "digits_conv")
    assert status == 1 and "mnist.npz into" in err and len(err.splitlines()) == 1


def test_damaged_weights_are_named(capsys, own_store, tmp_path):
    file = tmp_path / "encoder.onnx"
    file.write_bytes(b"x")
    stored = store.write(presets.get("digits_conv"), {"encoder.onnx": file}, {})
    stored.path("encoder.onnx").write_bytes(b"y")
    status, _, err = run(capsys, "evaluate", "digits_conv")
    assert status == 1 and "digits_conv/encoder.onnx" in err and len(err.splitlines()) == 1


def test_photographs_are_colorized_at_their_own_size(capsys, tmp_path):
    places = datasets.photographs()
    files = [str(places[title]) for title in ("Rocket", "Cat")]
    status, out, _ = run(capsys, "colorize", *files, "--to", str(tmp_path / "new" / "folder"), "--sheet")
    assert status == 0 and [line.rsplit("/", 1)[1] for line in out.splitlines()] == [
        "rocket_color.jpg", "chelsea_color.jpg", "sheet.png"]
    for file, answer in zip(files, out.splitlines(), strict=False):
        assert Image.open(answer).size == Image.open(file).size


@pytest.fixture
def scans(tmp_path):
    """Two folders with scans of the same name, one of them damaged."""
    photo = sheets.to_png(np.random.default_rng(0).integers(0, 256, (40, 60, 1), np.uint8))
    for year, name, raw in ((1955, "scan.png", photo), (1956, "scan.png", photo), (1956, "half.png", photo[:300]),
                            (1956, ".scan.png", photo), (1956, "notes.txt", b"notes")):
        (tmp_path / str(year)).mkdir(exist_ok=True)
        (tmp_path / str(year) / name).write_bytes(raw)
    return tmp_path


@pytest.mark.parametrize("given", [("1955", "1956"), ("195?/*.png",), ("1955/scan.png", "1956", "1956/scan.png")])
def test_of_a_batch_the_rest_is_done_and_no_output_is_shared(capsys, scans, given):
    status, out, err = run(capsys, "colorize", *(str(scans / each) for each in given), "--to", str(scans / "out"))
    assert status == 1 and len(err.splitlines()) == 1 and "half.png" in err
    assert [line.rsplit("/", 1)[1] for line in out.splitlines()] == ["scan_color.jpg", "scan_color_2.jpg"]


def test_nothing_is_overwritten_unasked(capsys, scans):
    mine = scans / "scan_color.jpg"
    mine.write_bytes(b"mine")
    command = ("colorize", str(scans / "1955"), "--to", str(scans))
    status, out, err = run(capsys, *command)
    assert status == 1 and not out and "--replace" in err and mine.read_bytes() == b"mine"
    status, out, _ = run(capsys, *command, "--replace")
    assert status == 0 and Image.open(mine).size == (60, 40)
    status, out, err = run(capsys, "colorize", str(scans / "1957*"), str(scans / "1955"), "--to", str(scans / "out"))
    assert status == 1 and "There is no photo in" in err and "scan_color.jpg" in out


def test_what_was_made_of_a_photograph_is_not_colorized_again(capsys, scans):
    """But what only has such a name is."""
    (scans / ".hidden").mkdir()
    folder = (scans / "1955").rename(scans / ".hidden" / "1955")
    for name in ("scan_color.png", "scan_color_2.png", "water_color.png"):
        (folder / name).write_bytes((folder / "scan.png").read_bytes())
    status, out, _ = run(capsys, "colorize", str(folder), "--to", str(scans / "out"))
    assert status == 0 and [Path(line).name for line in out.splitlines()] == ["scan_color.jpg", "water_color_color.jpg"]


def test_each_photograph_is_colorized_once_for_file_and_sheet(capsys, scans, monkeypatch):
    count = []
    monkeypatch.setattr(colorize, "colorize", lambda *given, do=colorize.colorize: count.append(1) or do(*given))
    status, out, _ = run(capsys, "colorize", str(scans / "1955"), "--to", str(scans / "out"), "--sheet")
    assert status == 0 and out.splitlines()[-1].endswith("sheet.png") and len(count) == 1


def test_sheets_are_written_as_they_fill(capsys, scans, monkeypatch):
    monkeypatch.setattr(command_line, "ON_A_SHEET", 2)
    photo = scans / "1955" / "scan.png"
    files = [photo.with_name(f"{k}.png") for k in range(5)]
    for file in files:
        file.write_bytes(photo.read_bytes())
    status, out, _ = run(capsys, "colorize", *map(str, files), "--to", str(scans / "out"), "--sheet")
    names = [Path(line).name for line in out.splitlines()]
    assert status == 0 and [name for name in names if "sheet" in name] == ["sheet.png", "sheet_2.png", "sheet_3.png"]
    assert names.index("sheet.png") == 2


@pytest.mark.parametrize("raw", [None, b"these are notes"])
def test_a_photograph_that_cannot_be_read_is_one_line_and_a_failure(capsys, tmp_path, raw):
    file = tmp_path / "photo.png"
    if raw:
        file.write_bytes(raw)
    status, out, err = run(capsys, "colorize", str(file), "--to", str(tmp_path))
    assert status == 1 and out == "" and len(err.splitlines()) == 1 and "photo.png" in err


@pytest.mark.parametrize("epochs", ["0", "-3", "many"])
def test_silly_numbers_are_refused(capsys, epochs):
    with pytest.raises(SystemExit, match="2"):
        command_line.main(["train", "digits_conv", "--epochs", epochs])
    assert "epochs" in capsys.readouterr().err


def test_evaluate_prints_one_object_with_the_promised_keys(capsys):
    status, out, _ = run(capsys, "evaluate", trained("fashion_dense"), "--limit", "50", "--json")
    row = json.loads(out)
    assert status == 0 and row["preset"] == "fashion_dense" and row["n"] == 50
    assert {"mse", "psnr", "ssim", "pca_mse"} <= set(row)


def test_denoisers_are_measured_at_every_noise_level(capsys):
    row = json.loads(run(capsys, "evaluate", trained("digits_denoiser"), "--limit", "20", "--json")[1])
    assert set(row["noise"]) == {"0.5", "0.75", "1.0"}
    assert all(set(scores) == {"noisy_mse", "mse", "median_mse", "nlm_mse"} for scores in row["noise"].values())


def test_data_shows_where_it_looks(capsys, tmp_path):
    out = run(capsys, "data")[1]
    assert str(tmp_path / "data") in out and all(name in out for name in datasets.DATASETS)


def test_data_says_what_is_shipped_of_a_set_that_is_not_here(capsys):
    """Of four sets it said that their test pictures are in samples/, and titles ran into what followed them."""
    lines = dict(zip(datasets.DATASETS, run(capsys, "data")[1].splitlines()[1:], strict=True))
    columns = {line.index("not here") for line in lines.values()}
    assert len(columns) == 1 and all(line[max(columns) - 2:max(columns)] == "  " for line in lines.values())
    for name, dataset in datasets.DATASETS.items():
        assert ("in samples/" in lines[name]) == bool(dataset.sample)


def test_a_data_set_is_downloaded_by_name(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(download, "fetch", lambda name: tmp_path / name)
    assert run(capsys, "data", "--download", "mnist") == (0, f"{tmp_path / 'mnist'}\n", "")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A path below a file, where nothing can be written, whoever asks; all folders of the environment are there."""
    (tmp_path / "file").write_text("no folder")
    for variable in ("AE_MODELS_DIR", "AE_RUNS_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / "file" / variable))
    return tmp_path / "file"


@pytest.mark.parametrize("command", [
    ("page", "digits_stacked", "--to", "{nowhere}/page.html"),
    ("sketches", "{folder}/cat.ndjson", "--to", "{nowhere}/cats"),
    ("colorize", "{folder}/1955", "--to", "{nowhere}/photos"),
    pytest.param(("train", "digits_stacked", "--epochs", "1"), marks=pytest.mark.soak),
    pytest.param(("work",), marks=pytest.mark.soak)], ids=lambda command: command[0])
def test_where_nothing_can_be_written_a_command_says_so_in_one_line(capsys, nowhere, scans, command, request):
    if command[0] == "train":
        request.getfixturevalue("some_digits")
    (scans / "cat.ndjson").write_text('{"drawing": [[[0, 9], [0, 9]]]}\n')
    status, out, err = run(capsys, *(part.format(nowhere=nowhere, folder=scans) for part in command))
    assert status == 1 and not out and f"{nowhere}" in err and "cannot be written" in err
    assert len(err.splitlines()) == 1 or command[0] in ("train", "sketches")     # after what shows how far it got


def test_a_photograph_that_cannot_be_written_is_one_line(capsys, scans, monkeypatch):
    def refuse(path, content):
        raise PermissionError(13, "Permission denied", str(path))
    monkeypatch.setattr(files, "write", refuse)
    status, out, err = run(capsys, "colorize", str(scans / "1955"), "--to", str(scans))
    assert status == 1 and not out and f"{scans / 'scan_color.jpg'} cannot be written" in err and "Errno" not in err


def test_every_command_explains_itself(capsys):
    for command in command_line.COMMANDS:
        with pytest.raises(SystemExit, match="0"):
            command_line.main([command, "--help"])
        assert command_line.COMMANDS[command][0].__doc__ in " ".join(capsys.readouterr().out.split())


@pytest.fixture
def some_digits(own_store, tmp_path, monkeypatch, digits):
    """The data folder of 64 digits, a preset that trains on them in a second, and no weights yet."""
    folder = tmp_path / "data"
    folder.mkdir()
    raw = (digits[0][..., 0] * 255).astype(np.uint8)
    np.savez(folder / "mnist.npz", x_train=raw, y_train=digits[1], x_test=raw, y_test=digits[1])
    monkeypatch.setitem(presets.PRESETS, "digits_stacked", tiny())
    return folder


@pytest.mark.soak
def test_train_evaluate_and_export_as_a_user_would(capsys, some_digits, own_store):
    status, out, err = run(capsys, "train", "digits_stacked", "--epochs", "2", "--batch-size", "8", "--seed", "1")
    assert status == 0 and out == f"Saved in {own_store / 'digits_stacked'}.\n" and "Epoch 2/2" in err
    assert store.read("digits_stacked").card["training"]["seed"] == 1
    assert run(capsys, "train", "digits_stacked", "--epochs", "3", "--resume")[0] == 0
    assert run(capsys, "export", "digits_stacked")[0] == 0
    assert json.loads(run(capsys, "evaluate", "digits_stacked", "--json")[1])["n"] == 64


@pytest.mark.soak
def test_weights_scored_on_other_pictures_are_left_and_the_command_says_so(capsys, some_digits):
    run(capsys, "train", "digits_stacked")
    card = store.card("digits_stacked")
    raw = np.zeros((64, 28, 28), np.uint8)
    np.savez(some_digits / "mnist.npz", x_train=raw, y_train=raw[:, 0, 0], x_test=raw, y_test=raw[:, 0, 0])
    status, out, _ = run(capsys, "train", "digits_stacked")
    assert status == 0 and "scored on other pictures" in out and "--replace" in out and store.card(
        "digits_stacked") == card
    assert run(capsys, "train", "digits_stacked", "--replace")[1].startswith("Saved in")


def test_a_second_trainer_ends_with_one_line_and_touches_nothing(capsys, some_digits):
    run(capsys, "train", "digits_stacked")
    folder, card = store.runs_folder("digits_stacked"), store.card("digits_stacked")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with files.lock(folder.with_name("digits_stacked.lock")):
        status, out, err = run(capsys, "train", "digits_stacked", "--replace")
    assert status == 1 and out == "" and len(err.splitlines()) == 1 and "Another process is training" in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert store.card("digits_stacked") == card


@pytest.mark.parametrize(("run_so_far", "said"), [
    (None, "Stopped.\n"), ({"history": [], "epochs": 4}, "Stopped.\n"),
    ({"history": [{}, {}], "epochs": 2, "ended": True}, "Stopped.\n"),
    ({"history": [{}, {}], "epochs": 4, "ended": False},
     "Stopped. 2 of 4 epochs are trained; go on with: python -m ae_core train digits_conv --resume\n")])
def test_resuming_is_advised_where_there_is_something_to_resume(capsys, monkeypatch, run_so_far, said):
    def stopped(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(datasets, "load", stopped)
    if run_so_far:
        files.write_json(store.runs_folder("digits_conv") / "state.json", run_so_far)
    assert run(capsys, "train", "digits_conv") == (1, "", said)
    assert run(capsys, "evaluate", "digits_conv") == (1, "", "Stopped.\n")


def test_an_interrupted_training_says_how_far_it_got(capsys, some_digits, monkeypatch):
    from ae_core.training import runs

    def stopped(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(runs.SeedEpoch, "on_epoch_begin", lambda self, epoch, logs=None: epoch and stopped())
    status, out, _ = run(capsys, "train", "digits_stacked", "--epochs", "4")
    assert status == 0 and "Saved in" in out and "1 of 4 epochs are trained; go on with" in out


@pytest.mark.parametrize("option", [("--seed", "3"), ("--precision", "float32")])
def test_a_resumed_run_takes_no_other_seed_or_precision(capsys, option):
    status, _, err = run(capsys, "train", "digits_conv", "--resume", *option)
    assert status == 1 and "leave those options out" in err


def test_the_module_runs_and_fails_with_a_status():
    done = subprocess.run([sys.executable, "-m", "ae_core", "evaluate", "nope"], cwd=store.ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "no preset called" in done.stderr


def test_an_index_is_written_beside_the_weights(capsys, own_store, tmp_path, monkeypatch, digits):
    from ae_core import model
    from ae_core.features import search
    from ae_core.training import fit

    folder = tmp_path / "data"
    folder.mkdir()
    raw = (digits[0][..., 0] * 255).astype(np.uint8)
    np.savez(folder / "mnist.npz", x_train=raw, y_train=digits[1], x_test=raw[:9], y_test=digits[1][:9])
    fit.train(tiny(), epochs=1)
    assert run(capsys, "index", "digits_stacked")[0] == 0
    assert "9 pictures" in run(capsys, "index", "digits_stacked", "--split", "test")[1]
    served = model.load("digits_stacked")
    assert [len(search.of_preset(served, split)) for split in ("train", "test")] == [64, 9]


def test_a_quick_draw_file_becomes_bitmaps(capsys, tmp_path):
    from tests.pictures.test_quickdraw import as_bin

    (tmp_path / "cat.bin").write_bytes(as_bin([(1, "US", True, [[(0, 0), (255, 255)]])]) * 30)
    to = str(tmp_path / "cats.npy")
    status, out, _ = run(capsys, "sketches", str(tmp_path / "cat.bin"), "--to", to, "--limit", "20")
    assert status == 0 and "20 drawings" in out and np.load(tmp_path / "cats.npy").shape == (20, 32, 32)
    (tmp_path / "cat.bin").write_bytes(b"meow")
    status, _, err = run(capsys, "sketches", str(tmp_path / "cat.bin"))
    assert status == 1 and "cat.bin is cut off in drawing 1" in err
