internal import Base
internal import JSONCore

/// The elements that no patch may change: what the server sets, what a resource is, and the narrative, which a human
/// vouches for. They may be tested, and written with the value they have.
enum ImmutableElements {
  static let paths: [[JSONKey]] = [
    ["resourceType"], ["id"], ["meta", "versionId"], ["meta", "lastUpdated"], ["text", "status"], ["text", "div"],
  ]

  /// Refuses a result in which one of them differs from what it was.
  static func check(_ before: JSONDocument, _ after: JSONDocument) throws(Fault) {
    let equality = JSONEquality(a: before, b: after)
    for path in paths {
      switch (value(path, in: before), value(path, in: after)) {
      case (nil, nil): continue
      case (let old?, let new?) where equality.areEqual(old, new): continue
      default: throw fault(path.map(\.name))
      }
    }
  }

  /// Whether it is one of them, named from the resource.
  static func contains(_ path: [String]) -> Bool { paths.contains { $0.map(\.name) == path } }

  /// The names of the one that a path such as "Patient.meta.versionId" means; nil for any other path.
  static func names(_ path: String) -> [String]? {
    let names = path.split(separator: ".").dropFirst().map(String.init)
    return contains(names) ? names : nil
  }

  static func fault(_ path: [String]) -> Fault {
    Fault(
      .invalid, "The element \(path.joined(separator: ".")) is immutable: a patch cannot change it.", code: "invalid")
  }

  private static func value(_ path: [JSONKey], in document: JSONDocument) -> JSONNode? {
    var node = document.root
    for key in path {
      guard let member = document.member(node, key) else { return nil }
      node = member
    }
    return node
  }
}
