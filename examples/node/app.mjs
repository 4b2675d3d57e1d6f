// The order desk of a small web shop. `search` holds a weakness that is common in real functions, left in on purpose.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const ORDERS = new URL("./orders.json", import.meta.url);

const ACTIONS = {
  /** What a customer asks for: where an order is. */
  async status({ order }) {
    const orders = JSON.parse(await readFile(ORDERS));
    return { order, delivery: orders[order].delivery };
  },

  /** Orders that mention a text. Weakness: the text becomes part of a shell command (CWE-78). */
  async search({ text }) {
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", `grep -i '${text}' ${ORDERS.pathname}`]);
    return { lines: stdout.split("\n") };
  },
};

export const handler = async (event) => ACTIONS[event.action](event);
