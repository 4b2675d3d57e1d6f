// The web server of a function behind a web adapter: each request is an event for the ordinary handler.
import http from "node:http";
import { handler } from "./app.mjs";

http
  .createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    response.end(body ? JSON.stringify(await handler(JSON.parse(body))) : "ready");
  })
  .listen(8080, "127.0.0.1");
