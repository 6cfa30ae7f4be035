public import JSONCore

/// One member that a document's root seems to have besides its own, without the document being copied: it stands
/// behind the others and hides one of the same name.
public struct JSONOverlay: Sendable {
  public let key: JSONKey
  public let node: JSONNode

  public init(_ key: JSONKey, _ node: JSONNode) {
    self.key = key
    self.node = node
  }
}
