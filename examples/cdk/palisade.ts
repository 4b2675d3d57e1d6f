import { Aspects, IAspect, Stack } from "aws-cdk-lib";
import { Architecture, Code, Function, LayerVersion } from "aws-cdk-lib/aws-lambda";
import { IConstruct } from "constructs";

/**
 * Puts Palisade on every function of a stack or an app: `Aspects.of(app).add(new Palisade())`.
 *
 * A function's policy is the `palisade.json` of its package; `policy` stands in for all of them.
 */
export class Palisade implements IAspect {
  constructor(private readonly options: { layerZip: string; policy?: object } = { layerZip: "dist/palisade-layer-x86_64.zip" }) {}

  visit(node: IConstruct): void {
    if (!(node instanceof Function)) return;
    if (node.runtime.name.startsWith("provided")) return; // OS-only runtimes know no wrapper.
    node.addLayers(this.layer(Stack.of(node)));
    node.addEnvironment("AWS_LAMBDA_EXEC_WRAPPER", "/opt/palisade-wrapper");
    if (this.options.policy) node.addEnvironment("PALISADE_POLICY", JSON.stringify(this.options.policy));
  }

  private layer(stack: Stack): LayerVersion {
    const known = stack.node.tryFindChild("PalisadeLayer") as LayerVersion | undefined;
    return (
      known ??
      new LayerVersion(stack, "PalisadeLayer", {
        code: Code.fromAsset(this.options.layerZip),
        compatibleArchitectures: [Architecture.X86_64],
        license: "Apache-2.0",
      })
    );
  }
}
