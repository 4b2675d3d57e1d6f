// Stands in for /var/runtime/index.mjs of AWS's Node.js image: AWS's runtime client, with the handler of `_HANDLER`.
import { run } from "./node_modules/aws-lambda-ric/dist/index.mjs";

await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
