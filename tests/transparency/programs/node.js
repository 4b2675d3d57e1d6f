// Children in every form, files, names, sockets, a worker.
// needs: node
const { execFileSync, spawnSync, spawn, fork, exec } = require("child_process");
const fs = require("fs"), dns = require("dns"), net = require("net"), http = require("http"), { promisify } = require("util");
const { Worker, isMainThread, parentPort } = require("worker_threads");
if (!isMainThread) return parentPort.postMessage(String(execFileSync("echo", ["worker"])));
if (process.argv[2] === "child") return void process.on("message", (m) => { process.send(m + 1); process.disconnect(); });
const once = (emitter, event) => new Promise((done) => emitter.once(event, (...all) => done(all)));
const say = (...all) => console.log(...all);
const code = (work) => Promise.resolve().then(work).then((v) => v, (e) => [e.code, e.errno, e.syscall].join(" "));
(async () => {
    say(String(execFileSync("sh", ["-c", "echo $0 $#", "a", "b"])), spawnSync("nowhere").error.code, spawnSync("sh", ["-c", "kill -9 $$"]).signal);
    say(await code(() => promisify(exec)("echo out; echo err >&2; exit 3")));
    const cat = spawn("cat", { stdio: ["pipe", "pipe", "inherit"] }); cat.stdin.end("through a pipe\n");
    say(String((await once(cat.stdout, "data"))[0])); say(await once(cat, "close"));
    const child = fork(__filename, ["child"]); child.send(41); say(await once(child, "message"), await once(child, "exit"));
    say(await once(new Worker(__filename), "message"));
    fs.writeFileSync("f", "text", { mode: 0o640 }); fs.appendFileSync("f", "+"); say(fs.readFileSync("f", "utf8"), fs.statSync("f").mode.toString(8));
    for (const [flag, name] of [["wx", "f"], ["r", "nothing"], ["r+", "."], ["w", "nothing/x"], ["a", "f/x"], ["rs+", "f"]])
        say(flag, name, await code(async () => { const h = await fs.promises.open(name, flag); const fd = h.fd > 2; await h.close(); return fd; }));
    fs.mkdirSync("a/b/c", { recursive: true }); fs.symlinkSync("b", "a/l"); fs.renameSync("f", "a/l/g"); fs.copyFileSync("a/b/g", "h"); fs.linkSync("h", "i");
    fs.truncateSync("h", 2); say(fs.readdirSync("a/b"), fs.readlinkSync("a/l"), fs.readFileSync("i", "utf8"), fs.realpathSync("a/l/g").endsWith("/a/b/g"));
    say((await fs.promises.readdir("a", { withFileTypes: true })).map((e) => [e.name, e.isSymbolicLink()])); fs.mkdtempSync("t-"); fs.rmSync("a", { recursive: true });
    say(await code(() => fs.promises.access("/root/nothing")), fs.existsSync("a"), fs.readFileSync("/proc/self/comm", "utf8"));
    say(await promisify(dns.lookup)("localhost", 4), await code(() => dns.promises.lookup("no-such-name.invalid")));
    const server = http.createServer((q, a) => a.end(q.method + " " + q.url)).listen(0, "127.0.0.1"); await once(server, "listening");
    const { port } = server.address(); say(await (await fetch(`http://localhost:${port}/path`)).text());
    say(await code(() => new Promise((_, no) => net.connect(1, "127.0.0.1").once("error", no))));
    say(await code(() => new Promise((_, no) => net.createServer().listen(port, "127.0.0.1").once("error", no)).then(() => 0)));
    server.close(); server.closeAllConnections();
    const local = net.createServer((c) => c.end("unix")).listen("socket"); await once(local, "listening");
    say(String((await once(net.connect("socket"), "data"))[0])); local.close();
    const udp = require("dgram").createSocket("udp4"); udp.bind(0, "127.0.0.1"); await once(udp, "listening"); udp.send("datagram", udp.address().port, "127.0.0.1");
    say(String((await once(udp, "message"))[0])); udp.close();
    say(process.report.getReport().sharedObjects === undefined, process._getActiveHandles().filter((h) => h.listening).length);
})();
