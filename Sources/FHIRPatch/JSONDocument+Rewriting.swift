internal import JSONCore

/// What is to become of an object's member.
struct MemberChange {
  /// The member's name, decoded.
  var name: [UInt8]
  /// Its name afterwards: another one when a choice changes its type.
  var newName: [UInt8]
  /// Its value afterwards, as JSON text; nil removes the member.
  var value: [UInt8]?

  init(_ name: [UInt8], renamed newName: [UInt8]? = nil, to value: [UInt8]?) {
    self.name = name
    self.newName = newName ?? name
    self.value = value
  }
}

extension JSONDocument {
  /// An object's text with members changed in their place, and new ones at its end. The document must be compact.
  func rewritten(_ object: JSONNode, _ changes: [MemberChange]) -> [UInt8] {
    var bytes: [UInt8] = [UInt8(ascii: "{")]
    bytes.reserveCapacity(range(object).count + changes.reduce(0) { $0 + ($1.value?.count ?? 0) + 40 })
    var rest = changes
    for (key, value) in members(object) {
      let place = rest.firstIndex { keyEquals(key, JSONKey(utf8: $0.name)) }
      if let place {
        JSONDocument.append(rest.remove(at: place), to: &bytes)
      } else {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: text[range(key).lowerBound..<range(value).upperBound])
      }
    }
    for change in rest { JSONDocument.append(change, to: &bytes) }
    bytes.append(UInt8(ascii: "}"))
    return bytes
  }

  /// An object's text with these members alone.
  static func objectText(_ members: [MemberChange]) -> [UInt8] {
    var bytes: [UInt8] = [UInt8(ascii: "{")]
    for member in members { append(member, to: &bytes) }
    bytes.append(UInt8(ascii: "}"))
    return bytes
  }

  private static func append(_ change: MemberChange, to bytes: inout [UInt8]) {
    guard let value = change.value else { return }
    if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
    change.newName.withUnsafeBufferPointer { JSONWriter.appendQuoted($0, to: &bytes) }
    bytes.append(UInt8(ascii: ":"))
    bytes.append(contentsOf: value)
  }

  /// A value as compact JSON text.
  func json(_ node: JSONNode) -> [UInt8] {
    var bytes: [UInt8] = []
    appendCompact(node, to: &bytes)
    return bytes
  }

  /// An array's text with an element put in before the one at `index`, which is at most the array's count.
  func inserting(_ value: [UInt8], at index: Int, in array: JSONNode) -> [UInt8] {
    let place = range(array)
    let isLast = index >= count(array)
    let cut = isLast ? place.upperBound - 1 : start(ofElement: index, in: array)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(place.count + value.count + 1)
    bytes.append(contentsOf: text[place.lowerBound..<cut])
    if isLast, count(array) > 0 { bytes.append(UInt8(ascii: ",")) }
    bytes.append(contentsOf: value)
    if !isLast { bytes.append(UInt8(ascii: ",")) }
    bytes.append(contentsOf: text[cut..<place.upperBound])
    return bytes
  }

  /// An array's text without the element at `index`.
  func removing(_ index: Int, from array: JSONNode) -> [UInt8] {
    var bytes: [UInt8] = [UInt8(ascii: "[")]
    bytes.reserveCapacity(range(array).count)
    for (place, element) in elements(array).enumerated() where place != index {
      if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: text[range(element)])
    }
    bytes.append(UInt8(ascii: "]"))
    return bytes
  }

  private func start(ofElement index: Int, in array: JSONNode) -> Int {
    for (place, element) in elements(array).enumerated() where place == index { return range(element).lowerBound }
    return range(array).upperBound - 1
  }

  /// The element at a place of an array.
  func element(_ index: Int, of array: JSONNode) -> JSONNode? {
    guard kind(array) == .array, index < count(array) else { return nil }
    for (place, element) in elements(array).enumerated() where place == index { return element }
    return nil
  }

  /// The decoded bytes of a string or key.
  func decoded(_ node: JSONNode) -> [UInt8] {
    var bytes: [UInt8] = []
    appendString(node, to: &bytes)
    return bytes
  }
}

/// JSON texts as one array's text.
func arrayText(_ elements: [[UInt8]]) -> [UInt8] {
  var bytes: [UInt8] = [UInt8(ascii: "[")]
  bytes.reserveCapacity(elements.reduce(2) { $0 + $1.count + 1 })
  for (place, element) in elements.enumerated() {
    if place > 0 { bytes.append(UInt8(ascii: ",")) }
    bytes.append(contentsOf: element)
  }
  bytes.append(UInt8(ascii: "]"))
  return bytes
}
