"""Changing what is in `t.folder`. What was done is looked up from outside."""

import asyncio
import codecs
import ctypes
import dbm.dumb
import gzip
import io
import logging
import multiprocessing.connection
import os
import pathlib
import shutil
import socket
import socketserver
import sqlite3
import tarfile
import tempfile
import zipfile

from acts import LIBC, act, c_must, must, why


def write_into(path, mode):
    with open(path, mode) as file:
        file.write("x")


act("write", "open(mode='w')")(lambda t: write_into(t.kept, "w"))
act("write", "open(mode='a')")(lambda t: write_into(t.kept, "a"))
act("write", "open(mode='x')")(lambda t: write_into(t.new, "x"))
act("write", "open(mode='r+')")(lambda t: write_into(t.kept, "r+"))
act("write", "os.open(O_CREAT)")(lambda t: os.close(os.open(t.new, os.O_CREAT | os.O_WRONLY)))
act("write", "os.open(O_TRUNC)")(lambda t: os.close(os.open(t.kept, os.O_TRUNC | os.O_WRONLY)))
act("write", "io.FileIO(mode='w')")(lambda t: io.FileIO(t.new, "w").close())
act("write", "codecs.open(mode='w')")(lambda t: codecs.open(t.new, "w", "utf-8").close())
act("write", "os.open(dir_fd, O_CREAT)")(
    lambda t: os.close(os.open(t.new.lstrip("/"), os.O_CREAT | os.O_WRONLY, dir_fd=os.open("/", os.O_RDONLY | os.O_DIRECTORY)))
)
for _name, _change in {
    "open('w')": lambda path, t: path("new").open("w").close(),
    "write_bytes": lambda path, t: path("new").write_bytes(b"x"),
    "mkdir": lambda path, t: path("new").mkdir(),
    "rename": lambda path, t: path("kept").rename(t.free_new),
    "replace": lambda path, t: path("free").replace(t.kept),
    "unlink": lambda path, t: path("kept").unlink(),
    "rmdir": lambda path, t: path("sub").rmdir(),
    "symlink_to": lambda path, t: path("new").symlink_to(t.free),
    "hardlink_to": lambda path, t: path("new").hardlink_to(t.free),
    "chmod": lambda path, t: path("kept").chmod(0o600),
}.items():
    act("write", f"pathlib.Path.{_name}")(lambda t, change=_change: change(lambda name: pathlib.Path(getattr(t, name)), t) and None)
act("write", "pathlib.Path.write_text")(lambda t: pathlib.Path(t.new).write_text("x"))
act("write", "pathlib.Path.touch")(lambda t: pathlib.Path(t.new).touch())
act("write", "shutil.copyfile(target)")(lambda t: shutil.copyfile(t.free, t.new))
act("write", "shutil.move", audits=why(2, 1, "where it may not rename, it copies"))(lambda t: shutil.move(t.free, t.new))
act("write", "shutil.copy(target)", audits=why(1, 2, "writes the file, and then sets its mode"))(lambda t: shutil.copy(t.free, t.new))
act("write", "shutil.copy2(target)", audits=why(1, 3, "writes the file, and then sets its mode and its times"))(
    lambda t: shutil.copy2(t.free, t.new)
)
act("write", "shutil.copytree(target)", audits=why(1, 6, "makes the folder and the file, and then sets the modes and times of both"))(
    lambda t: shutil.copytree(t.free_folder, t.new)
)
act("write", "shutil.rmtree", audits=why(1, 3, "one for each: the folder's entries, its file, and the folder itself"))(
    lambda t: shutil.rmtree(t.full)
)
act("write", "shutil.chown")(lambda t: shutil.chown(t.kept, os.getuid(), os.getgid()))
act("write", "shutil.make_archive(target)")(lambda t: shutil.make_archive(t.new, "tar", t.free_folder))
act("write", "shutil.unpack_archive")(lambda t: shutil.unpack_archive(t.free_zip, t.sub))
act("write", "zipfile.ZipFile(mode='w')", audits=why(2, 1, "tries to open the file for reading, too, and then for writing alone"))(
    lambda t: zipfile.ZipFile(t.new, "w").close()
)
act("write", "zipfile.ZipFile.extractall")(lambda t: zipfile.ZipFile(t.free_zip).extractall(t.sub))
act("write", "tarfile.open(mode='w')")(lambda t: tarfile.open(t.new, "w").close())
act("write", "tarfile.TarFile.extract")(lambda t: tarfile.open(t.free_archive).extract("added", t.sub, set_attrs=False))
act("write", "gzip.open(mode='w')")(lambda t: gzip.open(t.new, "w").close())
act("write", "dbm.dumb.open(flag='n')", audits=why(1, 5, "makes two files, and opens and changes them again when it is closed"))(
    lambda t: dbm.dumb.open(t.new, "n").close()
)
act("write", "logging.FileHandler")(lambda t: logging.FileHandler(t.new).close())
act("write", "os.copy_file_range(target)")(
    lambda t: os.copy_file_range(os.open(t.free, os.O_RDONLY), os.open(t.new, os.O_CREAT | os.O_WRONLY), 100) and None
)
act("write", "os.rename")(lambda t: os.rename(t.kept, t.free_new))
act("write", "os.replace")(lambda t: os.replace(t.free, t.kept))
act("write", "os.remove")(lambda t: os.remove(t.kept))
act("write", "os.mkdir")(lambda t: os.mkdir(t.new))
act("write", "os.makedirs")(lambda t: os.makedirs(t.new))
act("write", "os.rmdir")(lambda t: os.rmdir(t.sub))
act("write", "os.symlink")(lambda t: os.symlink(t.free, t.new))
act("write", "os.link")(lambda t: os.link(t.free, t.new))
act("write", "os.truncate")(lambda t: os.truncate(t.kept, 1))
act("write", "os.mkfifo")(lambda t: os.mkfifo(t.new))
act("write", "os.mknod")(lambda t: os.mknod(t.new))
act("write", "os.renames")(lambda t: os.renames(t.free_alone, t.new))
act("write", "os.removedirs", audits=why(1, 2, "removes the folder, and then tries its parent"))(lambda t: os.removedirs(t.sub))
act("write", "os.unlink(dir_fd)")(lambda t: os.unlink("kept", dir_fd=os.open(t.folder, os.O_PATH)))
act("write", "os.chown")(lambda t: os.chown(t.kept, os.getuid(), os.getgid()))
act("write", "os.lchown")(lambda t: os.lchown(t.kept, os.getuid(), os.getgid()))
act("write", "os.utime(follow_symlinks=False)")(lambda t: os.utime(t.kept, (1, 1), follow_symlinks=False))
act("write", "os.chmod")(lambda t: os.chmod(t.kept, 0o600))
act("write", "os.utime")(lambda t: os.utime(t.kept, (1, 1)))
act("write", "tempfile.mkstemp")(lambda t: os.close(tempfile.mkstemp(dir=t.folder)[0]))
act("write", "tempfile.NamedTemporaryFile")(lambda t: tempfile.NamedTemporaryFile(dir=t.folder, delete=False).close())
act("write", "tempfile.TemporaryDirectory")(lambda t: kept(tempfile.TemporaryDirectory(dir=t.folder)))
act("write", "tempfile.mkdtemp")(lambda t: tempfile.mkdtemp(dir=t.folder) and None)
act("write", "socket.bind to a Unix path")(lambda t: socket.socket(socket.AF_UNIX).bind(t.new))
act("write", "socketserver.UnixStreamServer")(lambda t: socketserver.UnixStreamServer(t.new, None).server_close())
act("write", "multiprocessing.connection.Listener of a Unix path")(lambda t: left(multiprocessing.connection.Listener(t.new)))
act("write", "asyncio.start_unix_server")(lambda t: asyncio.run(served(t)))
act("write", "sqlite3.connect + create", "OperationalError: unable to open database file")(
    lambda t: sqlite3.connect(t.new).executescript("pragma journal_mode = off; create table t (x)") and None
)
act("write", "ctypes: open(O_CREAT)")(lambda t: os.close(c_must(LIBC.open(t.new.encode(), os.O_CREAT | os.O_WRONLY, 0o644))))
act("write", "ctypes: fopen(mode='w')", "null")(lambda t: written(t))
act("write", "ctypes: rename")(lambda t: c_must(LIBC.rename(t.kept.encode(), t.free_new.encode())) and None)
act("write", "ctypes: syscall(SYS_unlink)")(lambda t: c_must(LIBC.syscall(87, t.kept.encode())) and None)
act("write", "ctypes: unlink")(lambda t: c_must(LIBC.unlink(t.kept.encode())) and None)


def kept(folder):
    """A folder that is not removed again."""
    folder._finalizer.detach()


def left(listener):
    """A listener whose socket is not removed again."""
    listener._listener._unlink.cancel()
    listener.close()


async def served(t):
    await asyncio.start_unix_server(lambda reader, writer: None, t.new)


def written(t):
    LIBC.fopen.restype = ctypes.c_void_p
    must(0 if LIBC.fopen(t.new.encode(), b"w") else 1, "null")
