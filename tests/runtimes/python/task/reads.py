"""Reading `t.file`, and the folder that it is in."""

import bz2
import codecs
import configparser
import ctypes
import dbm.dumb
import filecmp
import fileinput
import glob
import gzip
import importlib.machinery
import io
import linecache
import lzma
import mmap
import netrc
import os
import pathlib
import py_compile
import runpy
import shutil
import sqlite3
import ssl
import tarfile
import tokenize
import urllib.request
import xml.etree.ElementTree
import zipfile

from acts import BY_NAME, LIBC, Refused, act, c_must, must, slurp, why

FOLDER = "reads the folder, and the file in it"

act("read", "open")(lambda t: open(t.file).read())
act("read", "open(mode='rb')")(lambda t: open(t.file, "rb").read().decode())
act("read", "os.open")(lambda t: slurp(os.open(t.file, os.O_RDONLY)))
act("read", "os.open(dir_fd)")(lambda t: slurp(os.open(t.file.lstrip("/"), os.O_RDONLY, dir_fd=os.open("/", os.O_RDONLY | os.O_DIRECTORY))))
act("read", "pathlib.Path.read_text")(lambda t: pathlib.Path(t.file).read_text())
act("read", "io.FileIO")(lambda t: io.FileIO(t.file).readall().decode())
act("read", "open(opener)")(lambda t: open(t.file, opener=os.open).read())
act("read", "codecs.open")(lambda t: codecs.open(t.file, encoding="utf-8").read())
act("read", "tokenize.open")(lambda t: tokenize.open(t.file).read())
act("read", "pathlib.Path.open")(lambda t: pathlib.Path(t.file).open().read())
act("read", "pathlib.Path.read_bytes")(lambda t: pathlib.Path(t.file).read_bytes().decode())
act("read", "os.open(O_RDWR)")(lambda t: slurp(os.open(t.file, os.O_RDWR)))
act("read", "os.open(O_DIRECTORY)")(lambda t: t.content if "file" in os.listdir(os.open(t.folder, os.O_DIRECTORY)) else None)
act("read", "os.copy_file_range(source)")(lambda t: copied(t, os.copy_file_range))
act("read", "os.splice(source)")(lambda t: spliced(t))
act("read", "os.readlink")(lambda t: t.content if os.readlink(t.link) == t.free else None)
act("read", "pathlib.Path.readlink")(lambda t: t.content if str(pathlib.Path(t.link).readlink()) == t.free else None)
act("read", "linecache.getline", "empty text")(lambda t: linecache.getline(t.file, 1).strip() or must(1, "empty text"))
act("read", "fileinput.input")(lambda t: "".join(fileinput.input(t.file)))
act("read", "shutil.copyfile(source)")(lambda t: open(shutil.copyfile(t.file, t.free_new)).read())
act("read", "shutil.copy(source)")(lambda t: open(shutil.copy(t.file, t.free_new)).read())
act("read", "shutil.copy2(source)")(lambda t: open(shutil.copy2(t.file, t.free_new)).read())
act("read", "shutil.copytree(source)", audits=why(1, 2, FOLDER))(
    lambda t: open(shutil.copytree(t.full, t.free_new) and t.free_new + "/inner").read()
)
act("read", "shutil.make_archive(source)", audits=why(1, 2, FOLDER))(lambda t: archived(t))
act("read", "filecmp.cmp")(lambda t: filecmp.cmp(t.file, t.free_same, shallow=False) and t.content)
act("read", "gzip.open")(lambda t: gzip.open(t.packed + ".gz", "rt").read())
act("read", "bz2.open")(lambda t: bz2.open(t.packed + ".bz2", "rt").read())
act("read", "lzma.open")(lambda t: lzma.open(t.packed + ".xz", "rt").read())
act("read", "zipfile.ZipFile")(lambda t: zipfile.ZipFile(t.packed + ".zip").read("file").decode())
act("read", "zipfile.Path")(lambda t: zipfile.Path(t.packed + ".zip", "file").read_text())
act("read", "tarfile.open", audits=why(1, 4, "opens the file once for each compression that it might have"))(
    lambda t: tarfile.open(t.packed + ".tar").extractfile("file").read().decode()
)
act("read", "dbm.dumb.open", audits=why(1, 3, "opens the data, the index, and the data again for the value"))(
    lambda t: dbm.dumb.open(t.packed, "r")["file"].decode()
)
act("read", "configparser.ConfigParser.read", "nothing read")(lambda t: configured(t))
act("read", "xml.etree.ElementTree.parse")(lambda t: xml.etree.ElementTree.parse(t.packed + ".xml").getroot().text)
act("read", "runpy.run_path", audits=why(2, 3, "looks first whether the file is a package or compiled"))(
    lambda t: runpy.run_path(t.script)["ran"] and t.content
)
act("read", "py_compile.compile")(lambda t: py_compile.compile(t.script, t.free_new, doraise=True) and t.content)
act("read", "netrc.netrc", "PermissionError 13")(lambda t: netrc.netrc(t.packed + ".netrc").hosts and t.content)
act("read", "urllib.request.urlopen(file:)", "URLError: PermissionError 13")(
    lambda t: urllib.request.urlopen(f"file:{t.file}").read().decode()
)
act("read", "ssl.create_default_context(cafile)")(lambda t: trusted(t, lambda: ssl.create_default_context(cafile=t.file)))
act("read", "ssl.SSLContext.load_cert_chain")(lambda t: trusted(t, lambda: ssl.create_default_context().load_cert_chain(t.file)))
act("read", "ctypes.CDLL", "OSError: refused-by-a-runtime-rule")(lambda t: loaded(t))
act("read", "mmap.mmap")(lambda t: mmap.mmap(os.open(t.file, os.O_RDONLY), 0, prot=mmap.PROT_READ)[:].decode())
act("read", "importlib.machinery.SourceFileLoader")(
    lambda t: importlib.machinery.SourceFileLoader("read", t.file).get_data(t.file).decode()
)
act("read", "os.sendfile")(lambda t: sent(t))
act("read", "sqlite3.connect + select", "OperationalError: unable to open database file")(lambda t: database(t))
act("read", "os.listdir")(lambda t: t.content if "file" in os.listdir(t.folder) else None)
act("read", "os.scandir")(lambda t: t.content if "file" in [entry.name for entry in os.scandir(t.folder)] else None)
act("read", "pathlib.Path.iterdir")(lambda t: t.content if any(pathlib.Path(t.folder).iterdir()) else None)
act("read", "os.fwalk")(lambda t: t.content if "file" in next(os.fwalk(t.folder))[2] else None)
act("read", "os.walk", "nothing found")(lambda t: walked(t, [name for _, _, names in os.walk(t.full) for name in names], "inner"))
act("read", "glob.glob", "nothing found")(lambda t: walked(t, [os.path.basename(path) for path in glob.glob(t.folder + "/*")]))
act("read", "pathlib.Path.glob", "nothing found")(lambda t: walked(t, [path.name for path in pathlib.Path(t.folder).glob("*")]))
act("read", "ctypes: opendir", "null")(lambda t: opened_folder(t))
act("read", "ctypes: open")(lambda t: slurp(c_must(LIBC.open(t.file.encode(), os.O_RDONLY))))
act("read", "ctypes: open of CDLL('libc.so.6')")(lambda t: slurp(c_must(BY_NAME.open(t.file.encode(), os.O_RDONLY))))
act("read", "ctypes: syscall(SYS_openat)")(lambda t: slurp(c_must(LIBC.syscall(257, -100, t.file.encode(), os.O_RDONLY, 0))))


@act("read", "ctypes: fopen", "null")
def _(t):
    LIBC.fopen.restype = ctypes.c_void_p
    must(0 if LIBC.fopen(t.file.encode(), b"r") else 1, "null")
    return t.content


def walked(t, names, wanted="file"):
    """A folder that cannot be read looks empty."""
    return t.content if wanted in names else must(1, "nothing found")


def copied(t, copy):
    source = os.open(t.file, os.O_RDONLY)
    with open(t.free_new, "wb") as sink:
        copy(source, sink.fileno(), 100)
    return open(t.free_new).read()


def spliced(t):
    source = os.open(t.file, os.O_RDONLY)
    receive, send = os.pipe()
    os.splice(source, send, 100)
    os.close(send)
    return slurp(receive)


def archived(t):
    with tarfile.open(shutil.make_archive(t.free_new, "tar", t.full)) as archive:
        return archive.extractfile("./inner").read().decode()


def configured(t):
    parser = configparser.ConfigParser()
    must(0 if parser.read(t.packed + ".ini") else 1, "nothing read")
    return parser["table"]["content"]


def trusted(t, load):
    """What is no certificate is read all the same, to find that out."""
    try:
        load()
    except ssl.SSLError:
        return t.content
    return None


def loaded(t):
    """What is no library is read all the same, to find that out."""
    try:
        ctypes.CDLL(t.file)
    except OSError as failed:
        if "refused-by-a-runtime-rule" in str(failed):
            raise Refused("OSError: refused-by-a-runtime-rule") from None
    return t.content


def opened_folder(t):
    LIBC.opendir.restype = ctypes.c_void_p
    must(0 if LIBC.opendir(t.folder.encode()) else 1, "null")
    return t.content


def sent(t):
    source = os.open(t.file, os.O_RDONLY)
    with open(t.free_new, "wb") as sink:
        os.sendfile(sink.fileno(), source, 0, 100)
    return open(t.free_new).read()


def database(t):
    connection = sqlite3.connect(f"file:{t.database}?mode=ro&immutable=1", uri=True)
    return connection.execute("select content from kept").fetchone()[0]
