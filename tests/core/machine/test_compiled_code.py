"""C code is compiled once, where it can be kept, and what cannot be compiled is said."""

import logging
import os
import sys
import tempfile
from pathlib import Path

import pytest

from fourlenses.core.machine import compiled_code
from fourlenses.core.machine.compiled_code import compiled_library, file_name


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "seven.c"
    file.write_text("int seven(void) { return 7; }\n")
    return file


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """Nothing is compiled yet, and there are two folders for it."""
    folders = [tmp_path / "environment", tmp_path / "cache"]
    monkeypatch.setattr(compiled_code, "_folders", lambda: iter(folders))
    monkeypatch.delenv("CC", raising=False)
    return folders


def test_it_is_compiled_once_and_nothing_else_is_left_there(source, folders, monkeypatch):
    assert compiled_library(source, "sevens").seven() == 7
    (made,) = folders[0].iterdir()
    assert not folders[1].exists()
    monkeypatch.setenv("PATH", "/nowhere")
    assert compiled_library(source, "sevens").seven() == 7
    assert list(folders[0].iterdir()) == [made]


def test_other_code_is_compiled_under_another_name(source, folders):
    before = file_name(source)
    assert compiled_library(source, "sevens").seven() == 7
    source.write_text("int seven(void) { return 8; }\n")
    assert file_name(source) != before
    assert compiled_library(source, "sevens").seven() == 8


def test_where_the_environment_cannot_be_written_a_cache_is_taken(source, folders):
    folders[0].write_text("not a folder")
    assert compiled_library(source, "sevens") is not None
    assert len(list(folders[1].iterdir())) == 1


def test_a_damaged_file_is_left_alone(source, folders):
    folders[0].mkdir()
    (folders[0] / file_name(source)).write_bytes(b"half of it")
    assert compiled_library(source, "sevens") is not None
    assert len(list(folders[1].iterdir())) == 1


def test_without_a_compiler_the_log_says_why(source, folders, monkeypatch, caplog):
    monkeypatch.setenv("PATH", "/nowhere")
    with caplog.at_level(logging.WARNING):
        assert compiled_library(source, "sevens") is None
    assert "sevens are made without compiled code, which is slower" in caplog.text
    assert f"{folders[1]}: there is no C compiler on PATH" in caplog.text


def test_a_compiler_that_fails_is_quoted(source, folders, monkeypatch, tmp_path, caplog):
    compiler = tmp_path / "a compiler"
    compiler.write_text("#!/bin/sh\necho 'seven.c: out of luck' >&2\nexit 3\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", f"'{compiler}' -m64")
    assert compiled_library(source, "sevens") is None
    assert "seven.c: out of luck" in caplog.text
    assert not any(file for folder in folders for file in Path(folder).iterdir())


def test_a_variable_that_is_no_command_is_quoted(source, folders, monkeypatch, caplog):
    monkeypatch.setenv("CC", "gcc '")
    assert compiled_library(source, "sevens") is None
    assert "the variable CC is no command (No closing quotation)" in caplog.text


def test_no_folder_is_made_for_a_user_without_a_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert all(folder.is_absolute() for folder in compiled_code._folders())


def test_where_the_last_folder_is_somebody_elses_nothing_is_compiled(source, monkeypatch, tmp_path):
    theirs = tmp_path / f"fourlenses-{os.getuid()}"
    theirs.mkdir()
    theirs.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setattr(sys, "prefix", "/dev/null")
    assert compiled_library(source, "sevens") is None
    assert list(theirs.iterdir()) == []


def test_the_folders_are_the_environments_and_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folders = list(compiled_code._folders())
    assert folders[1] == tmp_path / "fourlenses"
    assert os.path.commonpath([folders[0], sys.prefix]) == sys.prefix
