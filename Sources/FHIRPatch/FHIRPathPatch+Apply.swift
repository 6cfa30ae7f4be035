public import Base
public import FHIRModel
internal import FHIRPath
public import JSONCore

extension FHIRPathPatch {
  /// The patched resource as compact JSON. Members keep their order, and what the patch does not touch its bytes.
  ///
  /// The resource should be as it is read, with `meta.versionId` and `meta.lastUpdated`. Immutable elements are
  /// refused; elements that become empty go. Values of primitives are checked here; the structure of the whole is the
  /// caller's to check.
  ///
  /// - Parameters:
  ///   - type: the resource's type.
  ///   - now: what `now()` and its kin tell in paths.
  /// - Throws: `invalid` with the service's text for an operation that cannot be carried out; `tooLarge` for one that
  ///   makes too much of the resource.
  public func apply(to document: JSONDocument, type: Schema.TypeID, now: Instant) throws(Fault) -> [UInt8] {
    var application = Application(
      patch: self, type: type, now: now, target: try PatchedDocument(document, limits: limits))
    for operation in operations { try application.perform(operation) }
    try ImmutableElements.check(document, application.target.document)
    let removes = operations.contains { $0.kind == .delete }
    let empty = EmptyElements(document: application.target.document, includingObjects: removes)
    return empty.removed() ?? Array(application.target.document.text)
  }

  /// One run over one resource.
  private struct Application {
    let patch: FHIRPathPatch
    let type: Schema.TypeID
    let now: Instant
    var target: PatchedDocument

    var document: JSONDocument { target.document }
    var schema: Schema { patch.schema }

    mutating func perform(_ operation: Operation) throws(Fault) {
      let nodes = try select(operation)
      switch operation.kind {
      case .add: try add(operation, nodes)
      case .upsert: try upsert(operation, nodes)
      case .insert: try insert(operation, nodes)
      case .move: try move(operation, nodes)
      case .replace: try replace(operation, nodes)
      case .delete: try delete(operation, nodes)
      }
    }

    // MARK: - Finding

    private func select(_ operation: Operation) throws(Fault) -> [FHIRPathNode] {
      let failure = PatchFailure(operation)
      let items: [FHIRPathItem]
      do {
        items = try operation.program.evaluate(
          in: FHIRPathContext(document: document, node: document.root, type: type, now: now))
      } catch {
        throw failure.at("The path cannot be evaluated (\(error.message))")
      }
      var nodes: [FHIRPathNode] = []
      nodes.reserveCapacity(items.count)
      for item in items {
        guard case .node(let node) = item, node.document === document else {
          throw failure.at("Path must resolve to a resource or element")
        }
        nodes.append(node)
      }
      if nodes.isEmpty, operation.kind != .delete {
        // Elements the server sets need not be there to be out of reach.
        if let names = ImmutableElements.names(operation.path) { throw ImmutableElements.fault(names) }
        throw failure.at("No content found")
      }
      return nodes
    }

    private func locate(_ node: FHIRPathNode, _ operation: Operation) throws(Fault) -> ElementLocation {
      guard let place = ElementLocation(of: node, in: document, type: type, schema: schema) else {
        throw PatchFailure(operation).at("The resource itself cannot be patched so: an element was expected")
      }
      return place
    }

    /// The first of several nodes that stand in one list. Several are no fault there, as in Azure's service.
    private func first(_ nodes: [FHIRPathNode], _ operation: Operation) throws(Fault) -> FHIRPathNode {
      guard let first = nodes.first else { throw PatchFailure(operation).at("No content found") }
      if nodes.count == 1 { return first }
      let place = try locate(first, operation)
      var list: Set<JSONNode> = []
      for key in [place.key, Occurrence.siblingKey(place.key)] {
        guard let member = document.member(place.owner, JSONKey(utf8: key)) else { continue }
        list.formUnion(document.elements(member))
      }
      for node in nodes {
        guard let part = node.value ?? node.sibling, list.contains(part) else {
          throw PatchFailure(operation).at("Multiple matches found")
        }
      }
      return first
    }

    private func only(_ nodes: [FHIRPathNode], _ operation: Operation) throws(Fault) -> FHIRPathNode {
      guard nodes.count == 1 else { throw PatchFailure(operation).at("Multiple matches found") }
      return nodes[0]
    }

    private func value(_ operation: Operation, for element: Schema.Element) throws(Fault) -> PatchValue {
      let failure = PatchFailure(operation)
      guard let part = operation.value else { throw failure.badValue(element.name) }
      return try PatchValueReader(document: patch.document, schema: schema, failure: failure).value(part, for: element)
    }

    // MARK: - Operations

    private mutating func add(_ operation: Operation, _ nodes: [FHIRPathNode]) throws(Fault) {
      let node = try first(nodes, operation)
      let element = try child(operation, of: node)
      let names = try names(of: node, operation) + [element.name]
      if ImmutableElements.contains(names) { throw ImmutableElements.fault(names) }
      let new = try value(operation, for: element)
      let owner = object(of: node)
      if !element.isArray, let owner, hasElement(element, in: owner) {
        throw PatchFailure(operation).at("Existing element \(element.name) found")
      }
      let present = owner.map { Occurrence.read(new.key, of: $0, in: document) } ?? []
      let changes = Occurrence.changes(present + [new.occurrence], key: new.key, isArray: element.isArray)
      try write(changes, into: node, operation)
    }

    private mutating func upsert(_ operation: Operation, _ nodes: [FHIRPathNode]) throws(Fault) {
      let node = try first(nodes, operation)
      let element = try child(operation, of: node)
      guard let owner = object(of: node), let key = key(of: element, in: owner) else {
        return try add(operation, nodes)
      }
      let new = try value(operation, for: element)
      guard Occurrence.read(key, of: owner, in: document).count == 1 else {
        throw PatchFailure(operation).at("Multiple matches found")
      }
      let changes = Occurrence.changes(
        [new.occurrence], key: new.key, replacing: key, isArray: element.isArray)
      try write(changes, into: node, operation)
    }

    private mutating func insert(_ operation: Operation, _ nodes: [FHIRPathNode]) throws(Fault) {
      let place = try list(operation, nodes)
      var occurrences = Occurrence.read(place.key, of: place.owner, in: document)
      guard operation.index >= 0, operation.index <= occurrences.count else {
        throw PatchFailure(operation).outOfBounds("Index", operation.index)
      }
      occurrences.insert(try value(operation, for: place.element).occurrence, at: operation.index)
      try write(occurrences, at: place)
    }

    private mutating func move(_ operation: Operation, _ nodes: [FHIRPathNode]) throws(Fault) {
      let place = try list(operation, nodes)
      var occurrences = Occurrence.read(place.key, of: place.owner, in: document)
      guard occurrences.indices.contains(operation.source) else {
        throw PatchFailure(operation).outOfBounds("Source", operation.source)
      }
      guard occurrences.indices.contains(operation.destination) else {
        throw PatchFailure(operation).outOfBounds("Destination", operation.destination)
      }
      occurrences.insert(occurrences.remove(at: operation.source), at: operation.destination)
      try write(occurrences, at: place)
    }

    private mutating func replace(_ operation: Operation, _ nodes: [FHIRPathNode]) throws(Fault) {
      let place = try locate(try only(nodes, operation), operation)
      let new = try value(operation, for: place.element)
      var occurrences = Occurrence.read(place.key, of: place.owner, in: document)
      guard occurrences.indices.contains(place.index) else { throw PatchFailure(operation).at("No content found") }
      occurrences[place.index] = new.occurrence
      try write(occurrences, at: place, key: new.key)
    }

    /// R4 fhirpatch.html: deleting what is not there is no error.
    private mutating func delete(_ operation: Operation, _ nodes: [FHIRPathNode]) throws(Fault) {
      if nodes.isEmpty { return }
      let place = try locate(try only(nodes, operation), operation)
      var occurrences = Occurrence.read(place.key, of: place.owner, in: document)
      guard occurrences.indices.contains(place.index) else { return }
      occurrences.remove(at: place.index)
      try write(occurrences, at: place)
    }

    // MARK: - Elements

    /// The list that a path of `insert` or `move` selects, or selects of.
    private func list(_ operation: Operation, _ nodes: [FHIRPathNode]) throws(Fault) -> ElementLocation {
      let place = try locate(try first(nodes, operation), operation)
      guard place.element.isArray else {
        throw PatchFailure(operation).at("Element \(place.element.name) is not a list")
      }
      return place
    }

    /// The element that the part "name" names in a node.
    private func child(_ operation: Operation, of node: FHIRPathNode) throws(Fault) -> Schema.Element {
      guard let id = schema.element(node.type, name: operation.name) else {
        throw PatchFailure(operation).unknown(operation.name)
      }
      return schema[id]
    }

    private func names(of node: FHIRPathNode, _ operation: Operation) throws(Fault) -> [String] {
      node.value == document.root ? [] : try locate(node, operation).names
    }

    /// The object that holds a node's elements: its own, or for a primitive the one beside it.
    private func object(of node: FHIRPathNode) -> JSONNode? {
      guard let value = node.value, document.kind(value) == .object else { return node.sibling }
      return value
    }

    /// The name of the member that an element has in an object, whatever type a choice has there.
    private func key(of element: Schema.Element, in object: JSONNode) -> [UInt8]? {
      for reference in element.types {
        let key = Array(reference.key.utf8)
        if document.member(object, JSONKey(utf8: key)) != nil
          || document.member(object, JSONKey(utf8: Occurrence.siblingKey(key))) != nil
        {
          return key
        }
      }
      return nil
    }

    private func hasElement(_ element: Schema.Element, in object: JSONNode) -> Bool {
      key(of: element, in: object) != nil
    }

    // MARK: - Writing

    private mutating func write(
      _ occurrences: [Occurrence], at place: ElementLocation, key: [UInt8]? = nil
    ) throws(Fault) {
      let changes = Occurrence.changes(
        occurrences, key: key ?? place.key, replacing: place.key, isArray: place.element.isArray)
      try target.replace(place.owner, with: document.rewritten(place.owner, changes))
    }

    /// Changes the elements of a node. For a primitive they are those of its sibling, which is made if need be.
    private mutating func write(
      _ changes: [MemberChange], into node: FHIRPathNode, _ operation: Operation
    ) throws(Fault) {
      if let object = object(of: node) {
        return try target.replace(object, with: document.rewritten(object, changes))
      }
      let place = try locate(node, operation)
      var occurrences = Occurrence.read(place.key, of: place.owner, in: document)
      guard occurrences.indices.contains(place.index) else { throw PatchFailure(operation).at("No content found") }
      occurrences[place.index].sibling = JSONDocument.objectText(changes)
      try write(occurrences, at: place)
    }
  }
}
