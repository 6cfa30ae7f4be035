internal import FHIRModel
internal import FHIRPath
internal import JSONCore

/// Where an element stands: the object that holds it, and its place there.
struct ElementLocation {
  /// The object with the member.
  let owner: JSONNode
  let element: Schema.Element
  /// The member's name without "_".
  let key: [UInt8]
  /// The place among the occurrences; 0 for an element that does not repeat.
  let index: Int
  /// The elements' names from the resource.
  let names: [String]

  /// Finds a node by walking down from the root to the place of its text.
  init?(of item: FHIRPathNode, in document: JSONDocument, type: Schema.TypeID, schema: Schema) {
    guard let target = item.value ?? item.sibling else { return nil }
    let offset = document.range(target).lowerBound
    var (owner, ownerType, names) = (document.root, type, [String]())
    while true {
      guard let step = Step(at: offset, in: owner, document),
        let found = step.key.withUnsafeBufferPointer({ schema.element(ownerType, key: $0) })
      else { return nil }
      let element = schema[found.element]
      names.append(element.name)
      if step.node == target {
        self.init(owner: owner, element: element, key: step.key, index: step.index, names: names)
        return
      }
      owner = step.node
      ownerType = schema.concreteType(found.type, of: owner, in: document)
    }
  }

  private init(owner: JSONNode, element: Schema.Element, key: [UInt8], index: Int, names: [String]) {
    self.owner = owner
    self.element = element
    self.key = key
    self.index = index
    self.names = names
  }

  /// The member of an object, or the element of its array, in which an offset of the text lies.
  private struct Step {
    let node: JSONNode
    let key: [UInt8]
    let index: Int

    init?(at offset: Int, in object: JSONNode, _ document: JSONDocument) {
      for (key, value) in document.members(object) where document.range(value).contains(offset) {
        let name = document.decoded(key)
        self.key = name.first == UInt8(ascii: "_") ? Array(name.dropFirst()) : name
        guard document.kind(value) == .array else {
          (node, index) = (value, 0)
          return
        }
        for (place, element) in document.elements(value).enumerated()
        where document.range(element).contains(offset) {
          (node, index) = (element, place)
          return
        }
        return nil
      }
      return nil
    }
  }
}
