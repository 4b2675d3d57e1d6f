import { IAspect, Stack } from "aws-cdk-lib";
import { Architecture, Code, Function, LayerVersion } from "aws-cdk-lib/aws-lambda";
import { IConstruct } from "constructs";

/**
 * Puts Palisade on every function of a stack or an app: `Aspects.of(app).add(new Palisade())`.
 *
 * `layers` is the folder with the zips of `make layer`. A function's policy is the `palisade.json` of its package; `policy` stands in for all
 * of them.
 */
export class Palisade implements IAspect {
  constructor(private readonly options: { layers: string; policy?: object } = { layers: "dist" }) {}

  visit(node: IConstruct): void {
    if (!(node instanceof Function)) return;
    if (node.runtime.name.startsWith("provided")) return; // OS-only runtimes know no wrapper.
    node.addLayers(this.layer(Stack.of(node), node.architecture));
    node.addEnvironment("AWS_LAMBDA_EXEC_WRAPPER", "/opt/palisade-wrapper");
    if (this.options.policy) node.addEnvironment("PALISADE_POLICY", JSON.stringify(this.options.policy));
  }

  /** The stack's layer for that architecture. */
  private layer(stack: Stack, architecture: Architecture): LayerVersion {
    const id = architecture === Architecture.ARM_64 ? "PalisadeLayerArm64" : "PalisadeLayer";
    const known = stack.node.tryFindChild(id) as LayerVersion | undefined;
    return (
      known ??
      new LayerVersion(stack, id, {
        code: Code.fromAsset(`${this.options.layers}/palisade-layer-${architecture.name}.zip`),
        compatibleArchitectures: [architecture],
        license: "Apache-2.0",
      })
    );
  }
}
