// The order desk of a small web shop. Each action but `status` and `receipt` holds a weakness that is common in real functions, left in
// on purpose. Do not copy this code.
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ORDERS = fileURLToPath(new URL("./orders.json", import.meta.url));
const DOCUMENTS = fileURLToPath(new URL("./documents", import.meta.url));

const ACTIONS = {
  /** What a customer asks for: where an order is. */
  async status({ order }) {
    return { order, delivery: (await find(order)).delivery };
  },

  /** The receipt of an order, through a temporary file, as libraries that make PDFs do it. */
  async receipt({ order }) {
    const folder = await mkdtemp(join(tmpdir(), "receipt-"));
    try {
      await writeFile(join(folder, "receipt.txt"), JSON.stringify(await find(order)));
      return { receipt: await readFile(join(folder, "receipt.txt"), "utf8") };
    } finally {
      await rm(folder, { recursive: true });
    }
  },

  /** Orders that mention a text. Weakness: the text becomes part of a shell command (CWE-78). */
  async search({ text }) {
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", `grep -i '${text}' ${ORDERS}`]);
    return { lines: stdout.split("\n") };
  },

  /** Hands an address label to the printer. Weakness: the same, with a status for an answer (CWE-78). */
  async label({ order }) {
    const { status, error } = spawnSync(`echo 'label for ${order}' > /dev/null`, { shell: true });
    if (error) throw error;
    return { printed: status === 0, exit: status };
  },

  /** A document of the shop. Weakness: the name may lead out of the folder (CWE-22). */
  async document({ name }) {
    return { text: await readFile(resolve(DOCUMENTS, name), "utf8") };
  },

  /** Tells the carrier about an order. Weakness: the caller names the host that is told (CWE-918). */
  async notify({ order, callback }) {
    const answer = await fetch(callback, { method: "POST", body: JSON.stringify(await find(order)) });
    return { told: callback, answer: await answer.text() };
  },
};

const find = async (order) => JSON.parse(await readFile(ORDERS))[order];

export const handler = async (event) => ACTIONS[event.action](event);
