import { App, Aspects, Duration, Stack } from "aws-cdk-lib";
import { Architecture, Code, Function, Runtime } from "aws-cdk-lib/aws-lambda";
import { Palisade } from "./palisade";

const app = new App();
const stack = new Stack(app, "OrderDeskStack");

new Function(stack, "OrderDesk", {
  code: Code.fromAsset("../python"),
  handler: "app.handler",
  runtime: Runtime.PYTHON_3_12,
  architecture: Architecture.X86_64,
  timeout: Duration.seconds(10),
});

Aspects.of(app).add(new Palisade({ layers: "../../dist" }));
