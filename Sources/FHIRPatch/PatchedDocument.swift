internal import Base
internal import JSONCore

/// A document on its way through the operations of a patch.
///
/// Each change is a splice of the text, which is then parsed again: parsing costs about a nanosecond a byte, less than
/// building and writing a tree, and whatever the patch does not touch stays as it was, byte for byte.
struct PatchedDocument {
  /// The text as it stands now, without whitespace between its tokens.
  private(set) var document: JSONDocument
  private let limits: PatchLimits
  private var textBytes = 0

  init(_ document: JSONDocument, limits: PatchLimits) throws(Fault) {
    self.document = document
    self.limits = limits
    guard !document.isCompact else { return }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(document.byteCount)
    document.appendCompact(document.root, to: &bytes)
    try read(bytes)
  }

  /// Puts another value in a value's place.
  mutating func replace(_ node: JSONNode, with value: [UInt8]) throws(Fault) {
    let (text, place) = (document.text, document.range(node))
    try checkSize(text.count - place.count, adding: value.count)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count - place.count + value.count)
    bytes.append(contentsOf: text[..<place.lowerBound])
    bytes.append(contentsOf: value)
    bytes.append(contentsOf: text[place.upperBound...])
    try read(bytes)
  }

  private func checkSize(_ count: Int, adding added: Int) throws(Fault) {
    guard count + added <= limits.resultBytesMax else {
      throw Fault(.tooLarge, "The patch makes the resource larger than \(limits.resultBytesMax) bytes.")
    }
  }

  private mutating func read(_ bytes: [UInt8]) throws(Fault) {
    try checkSize(bytes.count, adding: 0)
    textBytes += bytes.count
    guard textBytes <= limits.textBytesMax else {
      throw Fault(
        .tooLarge, "The patch has too many operations for a resource of this size; send them in several patches.")
    }
    var jsonLimits = JSONLimits()
    jsonLimits.depthMax = limits.jsonDepthMax
    jsonLimits.nodesMax = limits.jsonNodesMax
    do {
      document = try JSONDocument(bytes, limits: jsonLimits)
    } catch {
      let isTooLarge = error.code == .tooLarge || error.code == .tooManyNodes
      throw Fault(
        isTooLarge ? .tooLarge : .invalid, "The patched resource is not acceptable JSON: \(error.message)",
        code: isTooLarge ? nil : "structure")
    }
  }
}
