// Every public way in Node.js to start a program, resolve a name, connect, listen, open and change files.
//
// An event names one act and gives it a target; the act does it and returns what proves that it was done: the text that the
// program printed, the address, the server's `pong`, the port, the file's content. `{"act": "list"}` gives them all.

import child_process from "node:child_process";
import cluster from "node:cluster";
import dgram from "node:dgram";
import dns from "node:dns";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import inspector from "node:inspector";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";

const require = createRequire(import.meta.url);
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.removeAllListeners("warning");

// What an act fails with if nothing else is said.
const REFUSAL = { process: "EACCES", resolve: "EAI_FAIL", connect: "EACCES", listen: "EACCES", read: "EACCES", write: "EACCES" };
const ACTS = new Map();

/** The standard library tells a failure by a value, or not at all. */
class Refused extends Error {}

function act(section, name, perform, { refusal = REFUSAL[section] ?? "", audits = 1 } = {}) {
  ACTS.set(name, { section, refusal, audits, perform });
}

export async function handler(event) {
  if (event.act === "list") {
    return [...ACTS].map(([name, { section, refusal, audits }]) => [name, section, refusal, audits]);
  }
  try {
    return { answer: (await ACTS.get(event.act).perform(event.target)) ?? null };
  } catch (failed) {
    return { refused: told(failed) };
  }
}

function told(failed) {
  if (failed instanceof Refused) return failed.message;
  if (failed.cause) return `${failed.constructor.name}: ${told(failed.cause)}`;
  return typeof failed.code === "string" ? failed.code : `${failed.name}: ${failed.message}`;
}

/** Audits of an act that is more than one attempt, and why it is. */
const why = (prevent, alert, reason) => ({ audits: { prevent, alert, why: reason } });

/** A function that takes a callback, as a promise. */
const awaited = (start) => new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));

// Programs.

const output = async (child) => {
  let text = "";
  child.stdout?.on("data", (data) => (text += data));
  await once(child, "close");
  return text.trim();
};
/** `once` rejects on `error`. */
const spawned = (child) => output(child);

act("process", "child_process.exec", (t) => awaited((done) => child_process.exec(`echo ${t.token}`, done)).then((out) => out.trim()));
act("process", "util.promisify(child_process.exec)", async (t) => (await promisify(child_process.exec)(`echo ${t.token}`)).stdout.trim());
act("process", "child_process.execSync", (t) => child_process.execSync(`echo ${t.token}`).toString().trim());
act("process", "child_process.execFile", (t) => awaited((done) => child_process.execFile(t.program, [t.token], done)).then((out) => out.trim()));
act("process", "child_process.execFileSync", (t) => child_process.execFileSync(t.program, [t.token]).toString().trim());
act("process", "child_process.spawn", (t) => spawned(child_process.spawn(t.program, [t.token])));
act("process", "child_process.spawn by name", (t) => spawned(child_process.spawn("echo", [t.token])));
act("process", "child_process.spawn(shell)", (t) => spawned(child_process.spawn(`echo ${t.token}`, { shell: true })));
act("process", "child_process.spawn(detached)", (t) => spawned(child_process.spawn(t.program, [t.token], { detached: true })));
act("process", "child_process.spawn(env: {})", (t) => spawned(child_process.spawn(t.program, [t.token], { env: {} })));
act("process", "child_process.spawnSync", (t) => {
  const { error, stdout } = child_process.spawnSync(t.program, [t.token]);
  if (error) throw error;
  return stdout.toString().trim();
});
act("process", "child_process.fork", async (t) => {
  const child = child_process.fork(new URL("./tell.cjs", import.meta.url), [t.token], { execArgv: [] });
  return (await once(child, "message"))[0];
});
act("process", "cluster.fork", async (t) => {
  cluster.setupPrimary({ exec: new URL("./tell.cjs", import.meta.url).pathname, args: [t.token], execArgv: [] });
  const worker = cluster.fork();
  const ended = new Promise((resolve, reject) => worker.on("error", reject).on("message", resolve));
  return await ended;
});
act("process", "child_process.spawn(cwd)", (t) => spawned(child_process.spawn(t.program, [t.token], { cwd: "/" })));
act("process", "child_process.spawn(argv0)", (t) => spawned(child_process.spawn(t.program, [t.token], { argv0: "other" })));
act("process", "child_process.spawn(stdio: inherit)", (t) => inherited(child_process.spawn, t));
act("process", "child_process.execFile(shell)", (t) =>
  awaited((done) => child_process.execFile("echo", [t.token], { shell: true }, done)).then((out) => out.trim()),
);
act("process", "util.promisify(child_process.execFile)", async (t) => (await promisify(child_process.execFile)(t.program, [t.token])).stdout.trim());
act("process", "child_process.spawnSync(shell)", (t) => {
  const { error, stdout } = child_process.spawnSync(`echo ${t.token}`, { shell: true });
  if (error) throw error;
  return stdout.toString().trim();
});

/** With the function's own standard output in a file's place. */
async function inherited(spawn, t) {
  const file = fs.openSync(t.free_new, "w");
  const child = spawn(t.program, [t.token], { stdio: ["inherit", file, "inherit"] });
  await once(child, "close");
  return fs.readFileSync(t.free_new, "utf8").trim();
}

act("process", "child_process.execSync in a worker thread", (t) =>
  inWorker(`require("node:child_process").execSync("echo ${t.token}").toString().trim()`),
);

async function inWorker(source) {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     (async () => ${source})().then((answer) => parentPort.postMessage({ answer }), ({ code, message }) => parentPort.postMessage({ code, message }));`,
    { eval: true },
  );
  const [{ answer, code, message }] = await once(worker, "message");
  await worker.terminate();
  if (code || message) throw Object.assign(new Error(message), { code });
  return answer;
}

// Names. `t.host` resolves to `t.allowed`, an address that may be connected to.

act("resolve", "dns.lookup", (t) => awaited((done) => dns.lookup(t.host, { family: 4 }, done)));
act("resolve", "dns.promises.lookup", async (t) => (await dns.promises.lookup(t.host, { family: 4 })).address);
act("resolve", "dns.lookup(all)", async (t) => (await awaited((done) => dns.lookup(t.host, { all: true, family: 4 }, done)))[0].address);
act("resolve", "dns.lookup in a worker thread", (t) =>
  inWorker(`(await require("node:dns").promises.lookup("${t.host}", { family: 4 })).address`),
);
for (const name of ["dns", "dns.promises", "dns.Resolver"]) {
  const refused = { refusal: "ECONNREFUSED", ...why(4, 1, "c-ares tries four times, and then says that no server can be reached") };
  const resolver = () => (name === "dns.Resolver" ? new dns.Resolver() : dns);
  const ask = (t, method, ...words) =>
    name === "dns.promises" ? dns.promises[method](t.host, ...words) : awaited((done) => resolver()[method](t.host, ...words, done));
  act("resolve", `${name}.resolve`, async (t) => (await ask(t, "resolve"))[0], refused);
  act("resolve", `${name}.resolve4`, async (t) => (await ask(t, "resolve4"))[0], refused);
  for (const type of ["6", "Any", "Caa", "Cname", "Mx", "Naptr", "Ns", "Ptr", "Soa", "Srv", "Txt"]) {
    act("resolve", `${name}.resolve${type}`, async (t) => Object.keys(await ask(t, `resolve${type}`)).length > 0 && t.allowed, refused);
  }
}
// The name of an address.
act("resolve", "dns.lookupService", async (t) => ((await awaited((done) => dns.lookupService(t.address, 80, done))) === t.named ? t.allowed : null));
act("resolve", "dns.promises.lookupService", async (t) => ((await dns.promises.lookupService(t.address, 80)).hostname === t.named ? t.allowed : null));
for (const [name, reverse] of Object.entries({
  "dns.reverse": (t) => awaited((done) => dns.reverse(t.address, done)),
  "dns.promises.reverse": (t) => dns.promises.reverse(t.address),
  "dns.Resolver.reverse": (t) => awaited((done) => new dns.Resolver().reverse(t.address, done)),
  "dns.promises.Resolver.reverse": (t) => new dns.promises.Resolver().reverse(t.address),
})) {
  act("resolve", name, async (t) => ((await reverse(t))[0] === t.named ? t.allowed : null), {
    refusal: "ENOTFOUND",
    ...why(4, 1, "c-ares tries four times, and then says that there is no name"),
  });
}
act("resolve", "net.connect(name)", async (t) => {
  const client = net.connect({ port: t.tcp, host: t.host, family: 4 });
  await once(client, "connect");
  client.destroy();
  return client.remoteAddress ?? t.allowed;
});
act("resolve", "tls.connect(name)", async (t) => {
  const client = tls.connect({ port: t.tls, host: t.host, family: 4 });
  await once(client, "secureConnect");
  client.destroy();
  return t.allowed;
});
act("resolve", "http.get(name)", async (t) => ((await fetched(http, `http://${t.host}:${t.tcp}/`)) === "pong" ? t.allowed : null));
act("resolve", "https.get(name)", async (t) => ((await fetched(https, `https://${t.host}:${t.tls}/`)) === "pong" ? t.allowed : null));
act("resolve", "fetch(name)", async (t) => ((await (await fetch(`http://${t.host}:${t.tcp}/`)).text()) === "pong" ? t.allowed : null), {
  refusal: "TypeError: EAI_FAIL",
});
act("resolve", "http2.connect(name)", async (t) => {
  const session = http2.connect(`http://${t.host}:${t.tcp}`);
  await once(session, "connect");
  session.destroy();
  return t.allowed;
});
act("resolve", "dgram.send(name)", async (t) => ((await datagram((client, done) => client.send("ping", t.udp, t.host, done))) === "pong" ? t.allowed : null));

async function fetched(library, url) {
  const request = library.get(url, { family: 4, agent: false });
  const [response] = await once(request, "response");
  let text = "";
  for await (const data of response) text += data;
  return text;
}

/** What comes back to a datagram. */
async function datagram(send) {
  const client = dgram.createSocket("udp4");
  try {
    const received = once(client, "message");
    received.catch(() => {});
    await awaited((done) => send(client, done));
    return (await received)[0].toString();
  } finally {
    client.close();
  }
}

// Connections, to `t.address`; the server answers "pong" to whatever is sent.

async function ping(client, event = "connect") {
  await once(client, event);
  client.write("ping\n");
  const [data] = await once(client, "data");
  client.destroy();
  return data.toString().trim();
}

act("connect", "net.connect", (t) => ping(net.connect(t.tcp, t.address)));
act("connect", "new net.Socket().connect", (t) => ping(new net.Socket().connect(t.tcp, t.address)));
act("connect", "net.connect to an IPv4 address mapped into IPv6", (t) => ping(net.connect(t.tcp, `::ffff:${t.address}`)));
act("connect", "net.connect(autoSelectFamily: false)", (t) => ping(net.connect({ port: t.tcp, host: t.address, autoSelectFamily: false })));
act("connect", "net.connect(localAddress)", (t) => ping(net.connect({ port: t.tcp, host: t.address, localAddress: "127.0.0.1" })));
act("connect", "tls.connect", (t) => ping(tls.connect(t.tls, t.address), "secureConnect"));
act("connect", "net.createConnection", (t) => ping(net.createConnection(t.tcp, t.address)));
act("connect", "tls.connect(socket)", async (t) => ping(tls.connect({ socket: net.connect(t.tls, t.address).on("error", () => {}) }), "secureConnect"));
act("connect", "http.request", async (t) => {
  const request = http.request({ host: t.address, port: t.tcp, method: "POST", agent: false });
  request.end("ping");
  const [response] = await once(request, "response");
  let text = "";
  for await (const data of response) text += data;
  return text;
});
act("connect", "http.get", (t) => fetched(http, `http://${t.address}:${t.tcp}/`));
act("connect", "https.get", (t) => fetched(https, `https://${t.address}:${t.tls}/`));
act("connect", "fetch", async (t) => (await fetch(`http://${t.address}:${t.tcp}/`)).text(), { refusal: "TypeError: EACCES" });
act("connect", "http2.connect", async (t) => {
  const session = http2.connect(`http://${t.address}:${t.tcp}`);
  await once(session, "connect");
  session.destroy();
  return "pong";
});
act("connect", "net.connect in a worker thread", (t) =>
  inWorker(`await new Promise((resolve, reject) => {
    const client = require("node:net").connect(${t.tcp}, "${t.address}", () => client.write("ping\\n"));
    client.on("error", reject).on("data", (data) => resolve(data.toString().trim()));
  })`),
);
act("connect", "dgram.send", (t) => datagram((client, done) => client.send("ping", t.udp, t.address, done)));
act("connect", "dgram.connect + send", (t) =>
  datagram((client, done) => {
    client.connect(t.udp, t.address, (error) => (error ? done(error) : client.send("ping", done)));
  }),
);

// Listening, on `t.listen`.

async function listening(server, ...where) {
  server.listen(...where);
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

act("listen", "net.createServer().listen", (t) => listening(net.createServer(), t.listen, "0.0.0.0"));
act("listen", "net.createServer().listen on every address", (t) => listening(net.createServer(), t.listen), why(2, 1, "tries `::` first, and then `0.0.0.0`"));
act("listen", "net.createServer().listen on a port that the kernel chose", async (t) => ((await listening(net.createServer(), 0, "0.0.0.0")) ? t.listen : null));
act("listen", "http.createServer().listen", (t) => listening(http.createServer(), t.listen, "127.0.0.1"));
act("listen", "https.createServer().listen", (t) => listening(https.createServer(), t.listen, "127.0.0.1"));
act("listen", "http2.createServer().listen", (t) => listening(http2.createServer(), t.listen, "127.0.0.1"));
act("listen", "tls.createServer().listen", (t) => listening(tls.createServer(), t.listen, "127.0.0.1"));
act("listen", "http2.createSecureServer().listen", (t) => listening(http2.createSecureServer(), t.listen, "127.0.0.1"));
act("listen", "http.createServer().listen({ port })", (t) => listening(http.createServer(), { port: t.listen, host: "127.0.0.1", exclusive: true }));
act("listen", "dgram.bind", async (t) => {
  const server = dgram.createSocket("udp4");
  try {
    server.bind(t.listen);
    await once(server, "listening");
    return server.address().port;
  } finally {
    try {
      server.close();
    } catch {}
  }
});
act(
  "listen",
  "inspector.open",
  (t) => {
    inspector.open(t.listen, "127.0.0.1");
    if (!inspector.url()) throw new Refused("no address");
    const { port } = new URL(inspector.url());
    inspector.close();
    return Number(port);
  },
  { refusal: "no address" },
);

// Files: each call of `fs` in its three forms.

const FORMS = {
  Sync: (name) => async (...words) => fs[`${name}Sync`](...words),
  "": (name) => (...words) => awaited((done) => fs[name](...words, done)),
  promises: (name) => (...words) => fs.promises[name](...words),
};

function inEachForm(section, name, perform, forms = Object.keys(FORMS), more = {}) {
  for (const form of forms) {
    const [call, rest] = [name.split("(")[0], name.slice(name.split("(")[0].length)];
    const title = form === "promises" ? `fs.promises.${call}${rest}` : `fs.${call}${form}${rest}`;
    act(section, title, (t) => perform(FORMS[form](call), t, form), more);
  }
}

const slurp = async (opened) => {
  const handle = typeof opened === "number" ? opened : opened.fd;
  const text = fs.readFileSync(handle, "utf8");
  await (opened.close ? opened.close() : fs.closeSync(opened));
  return text;
};
const streamed = async (stream) => {
  let text = "";
  for await (const data of stream) text += data;
  return text;
};

inEachForm("read", "readFile", (call, t) => call(t.file, "utf8"));
inEachForm("read", "open", async (call, t) => slurp(await call(t.file, "r")));
inEachForm("read", "readdir", async (call, t) => ((await call(t.folder)).includes("file") ? t.content : null));
inEachForm("read", "opendir", async (call, t) => {
  const folder = await call(t.folder);
  folder.closeSync();
  return t.content;
});
inEachForm("read", "copyFile", async (call, t) => {
  await call(t.file, t.free_new);
  return fs.readFileSync(t.free_new, "utf8");
});
inEachForm("read", "cp", async (call, t) => {
  await call(t.file, t.free_new);
  return fs.readFileSync(t.free_new, "utf8");
});
inEachForm("read", "readlink", async (call, t) => ((await call(t.link)) === t.free ? t.content : null));
act("read", "fs.readdirSync(recursive)", (t) => (fs.readdirSync(t.full, { recursive: true }).includes("inner") ? t.content : null));
act("read", "fs.cpSync(recursive)", (t) => {
  fs.cpSync(t.full, t.free_new, { recursive: true });
  return fs.readFileSync(path.join(t.free_new, "inner"), "utf8");
}, why(1, 2, "one for the folder, and one for the file in it"));
act("read", "fs.promises.FileHandle.readFile", async (t) => withHandle(t, (handle) => handle.readFile("utf8")));
act("read", "fs.promises.FileHandle.read", async (t) => withHandle(t, async (handle) => {
  const { bytesRead, buffer } = await handle.read();
  return buffer.toString("utf8", 0, bytesRead);
}));
act("read", "fs.promises.FileHandle.readLines", async (t) => withHandle(t, async (handle) => {
  for await (const line of handle.readLines()) return line;
}));
act("read", "fs.readFileSync(URL)", (t) => fs.readFileSync(new URL(`file://${t.file}`), "utf8"));
act("read", "fs.readFileSync(Buffer)", (t) => fs.readFileSync(Buffer.from(t.file), "utf8"));
act("read", "require of JSON", (t) => {
  delete require.cache[`${t.packed}.json`];
  return require(`${t.packed}.json`);
});
act("read", "new Worker(file)", async (t) => {
  const worker = new Worker(t.module);
  await once(worker, "exit");
  return t.content;
});
act("read", "process.loadEnvFile", (t) => {
  delete process.env.CONTENT;
  process.loadEnvFile(`${t.packed}.env`);
  return process.env.CONTENT;
}, { refusal: "ENOENT" });
act("read", "process.dlopen", (t) => {
  // What is no library is read all the same, to find that out.
  try {
    process.dlopen({ exports: {} }, t.file);
  } catch ({ message }) {
    if (message.includes("refused-by-a-runtime-rule")) throw new Refused("ERR_DLOPEN_FAILED: refused-by-a-runtime-rule");
    return t.content;
  }
}, { refusal: "ERR_DLOPEN_FAILED: refused-by-a-runtime-rule" });

async function withHandle(t, use) {
  const handle = await fs.promises.open(t.file);
  try {
    return await use(handle);
  } finally {
    await handle.close().catch(() => {});
  }
}

act("read", "fs.createReadStream", (t) => streamed(fs.createReadStream(t.file, "utf8")));
act("read", "fs.promises.FileHandle.createReadStream", async (t) => streamed((await fs.promises.open(t.file)).createReadStream({ encoding: "utf8" })));
act("read", "fs.openAsBlob", async (t) => (await fs.openAsBlob(t.file)).text(), { refusal: "NotReadableError: The blob could not be read" });
act("read", "require", (t) => (require(`${t.script}.js`) === true ? t.content : null));
act("read", "import()", async (t) => ((await import(t.module)).default === true ? t.content : null));
act("read", "fs.readFileSync in a worker thread", (t) => inWorker(`require("node:fs").readFileSync("${t.file}", "utf8")`));

inEachForm("write", "writeFile", (call, t) => call(t.kept, "x"));
inEachForm("write", "appendFile", (call, t) => call(t.new, "x"));
for (const form of Object.keys(FORMS)) {
  const title = form === "promises" ? "fs.promises.open('w')" : `fs.open${form}('w')`;
  act("write", title, async (t) => {
    const opened = await FORMS[form]("open")(t.new, "w");
    await (opened.close ? opened.close() : fs.closeSync(opened));
  });
}
inEachForm("write", "copyFile(target)", (call, t) => call(t.free, t.new), Object.keys(FORMS), why(1, 2, "writes the file, and then sets its mode"));
inEachForm("write", "cp(target)", (call, t) => call(t.free, t.new), Object.keys(FORMS), why(1, 3, "writes the file, and then sets its mode twice"));
for (const flags of ["a", "ax", "r+", "wx"]) {
  act("write", `fs.openSync('${flags}')`, (t) => {
    const file = fs.openSync(flags === "r+" ? t.kept : t.new, flags);
    fs.writeSync(file, "x");
    fs.closeSync(file);
  });
}
act("write", "net.createServer().listen(path)", async (t) => {
  // Closed, it would take its socket away again.
  await once(net.createServer().listen(t.new).unref(), "listening");
});
act("write", "fs.futimes", (t) => promisify(fs.futimes)(fs.openSync(t.kept, "r"), 1, 1), why(1, 2, "opens the file, and then sets its times"));
act("write", "fs.futimesSync", (t) => fs.futimesSync(fs.openSync(t.kept, "r"), 1, 1), why(1, 2, "opens the file, and then sets its times"));
act("write", "fs.promises.FileHandle.write", async (t) => {
  const handle = await fs.promises.open(t.new, "w");
  await handle.write("x");
  await handle.close();
});
act("write", "fs.promises.FileHandle.createWriteStream", async (t) => {
  const stream = (await fs.promises.open(t.new, "w")).createWriteStream();
  stream.end("x");
  await once(stream, "close");
});
inEachForm("write", "chown", (call, t) => call(t.kept, process.getuid(), process.getgid()));
inEachForm("write", "lchown", (call, t) => call(t.kept, process.getuid(), process.getgid()));
inEachForm("write", "lutimes", (call, t) => call(t.kept, 1, 1));
inEachForm("write", "rename", (call, t) => call(t.kept, t.free_new));
inEachForm("write", "unlink", (call, t) => call(t.kept));
inEachForm("write", "rm", (call, t) => call(t.kept));
inEachForm("write", "mkdir", (call, t) => call(t.new));
inEachForm("write", "mkdtemp", (call, t) => call(path.join(t.folder, "tmp-")));
inEachForm("write", "rmdir", (call, t) => call(t.sub));
inEachForm("write", "symlink", (call, t) => call(t.free, t.new));
inEachForm("write", "link", (call, t) => call(t.free, t.new));
inEachForm("write", "truncate", (call, t) => call(t.kept, 1));
inEachForm("write", "chmod", (call, t) => call(t.kept, 0o600));
inEachForm("write", "utimes", (call, t) => call(t.kept, 1, 1));
act("write", "fs.createWriteStream", async (t) => {
  const stream = fs.createWriteStream(t.new);
  stream.end("x");
  await once(stream, "close");
});
act("write", "fs.mkdirSync(recursive)", (t) => fs.mkdirSync(path.join(t.new, "below"), { recursive: true }), why(1, 2, "makes the folder, and the one below it"));
act("write", "fs.rmSync(recursive)", (t) => fs.rmSync(t.full, { recursive: true }), why(1, 4, "tries to remove the folder, then lists it, and removes its file and itself"));
act("write", "v8.writeHeapSnapshot in a worker thread", (t) => inWorker(`require("node:v8").writeHeapSnapshot("${t.new}")`));
act("write", "process.report.writeReport", (t) => {
  process.report.directory = t.folder;
  if (!process.report.writeReport("new")) throw new Refused("no file name");
}, { refusal: "no file name" });

// What nobody should refuse, and nobody should report.

act("honest", "a worker thread", () => inWorker("6 * 7"));
act("honest", "a connection to loopback", (t) => ping(net.connect(t.tcp, "127.0.0.1")));
act("honest", "dns.lookup('localhost')", async () => (await dns.promises.lookup("localhost", { family: 4 })).address);
act("honest", "dns.lookup of an address", async (t) => (await dns.promises.lookup(t.address)).address);
act("honest", "reading and writing elsewhere", (t) => fs.writeFileSync(t.free, fs.readFileSync(t.free)));
act("honest", "fs.statSync", (t) => fs.statSync(t.file).size);
