public import Base

/// What applying a patch may cost. A patch is a small program that a stranger writes: copies can double a text with
/// every operation, and each operation reads the whole text again.
public struct PatchLimits: Sendable, Equatable {
  /// Operations of one patch.
  public var operationsMax = 1_000
  /// The patched resource, and every text on the way to it, in bytes.
  public var resultBytesMax = 64 * 1024 * 1024
  /// All texts on the way together, in bytes: the patch's work.
  public var textBytesMax = 512 * 1024 * 1024
  /// Evaluation steps of all paths of a FHIRPath Patch together. A path has at least `pathStepsMin`.
  public var pathStepsMax = 5_000_000
  /// Evaluation steps that each path may have, however many there are.
  public var pathStepsMin = 10_000
  /// One path, in bytes.
  public var pathBytesMax = 16 * 1024
  /// Nesting of a JSON Pointer, and of every text on the way.
  public var jsonDepthMax = 128
  /// Values of every text on the way.
  public var jsonNodesMax = 8_000_000

  public init() {}

  /// The server's limits as far as they concern patches.
  public init(_ limits: Limits) {
    resultBytesMax = limits.bodyBytesMax
    pathStepsMax = limits.fhirPathStepsMax
    pathBytesMax = limits.fhirPathBytesMax
    jsonDepthMax = limits.jsonDepthMax
    jsonNodesMax = limits.jsonNodesMax
  }
}
