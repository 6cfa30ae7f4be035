import FHIRModel
import FHIRPath
import JSONCore

/// Tells where elements stand in a resource: `Patient.name[0].given[1]`. Elements that may repeat have an index;
/// a choice is named without its type, as FHIRPath names it.
struct ElementPaths {
  /// Members and array elements looked at, for all paths together. Past it there are no more paths: they are a help to
  /// the reader, not part of the value.
  static let stepsMax = 20_000_000
  private static let longArrayCount = 32

  private let schema: Schema
  private let document: JSONDocument
  private let type: Schema.TypeID
  private var stepsLeft = Self.stepsMax
  private var walks: [JSONNode: ArrayWalk] = [:]

  init(schema: Schema, document: JSONDocument, type: Schema.TypeID) {
    self.schema = schema
    self.document = document
    self.type = type
  }

  /// The path of an element of the document; nil if the steps are used up.
  mutating func path(of node: FHIRPathNode) -> String? {
    guard let target = node.value ?? node.sibling else { return nil }
    var path = schema.name(type)
    var (current, type) = (document.root, type)
    // Each turn goes one level down.
    while current != target {
      guard let (key, child) = lastMember(of: current, upTo: target) else { return nil }
      var name = document.lexeme(key)
      if name.first == UInt8(ascii: "_") { name = UnsafeBufferPointer(rebasing: name.dropFirst()) }
      guard let found = schema.element(type, key: name) else { return nil }
      path += ".\(schema[found.element].name)"
      (current, type) = (child, found.type)
      if document.kind(child) == .array {
        guard let (index, element) = lastElement(of: child, upTo: target) else { return nil }
        path += "[\(index)]"
        current = element
      }
      if schema.kind(type) == .resource {
        guard let name = document.member(current, "resourceType"), document.kind(name) == .string,
          let actual = schema.resourceType(utf8: document.lexeme(name))
        else { return nil }
        type = actual
      }
    }
    return path
  }

  /// The member that holds the target: the last one that begins before it, or with it.
  private mutating func lastMember(
    of object: JSONNode, upTo target: JSONNode
  ) -> (key: JSONNode, value: JSONNode)? {
    var last: (key: JSONNode, value: JSONNode)?
    for member in document.members(object) {
      if member.value.index > target.index { break }
      guard stepsLeft > 0 else { return nil }
      stepsLeft -= 1
      last = member
    }
    return last
  }

  /// Results mostly come in document order, so a long array is walked on from where the last path left it.
  private mutating func lastElement(
    of array: JSONNode, upTo target: JSONNode
  ) -> (index: Int, value: JSONNode)? {
    var walk = ArrayWalk(elements: document.elements(array))
    if let known = walks[array], let last = known.last, last.value.index <= target.index { walk = known }
    while true {
      var ahead = walk.elements
      guard let element = ahead.next(), element.index <= target.index else { break }
      guard stepsLeft > 0 else { return nil }
      stepsLeft -= 1
      walk.elements = ahead
      walk.last = ((walk.last?.index ?? -1) + 1, element)
    }
    if document.count(array) >= Self.longArrayCount { walks[array] = walk }
    return walk.last
  }

  /// How far an array was walked.
  private struct ArrayWalk {
    var elements: JSONElements
    var last: (index: Int, value: JSONNode)?
  }
}
