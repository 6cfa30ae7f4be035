/// The header fields of a request: the received bytes and where each field stands in them, so that a value becomes
/// a String only when somebody asks for it.
public struct HTTPHeaders: Sendable {
  struct Field: Sendable {
    var nameStart: UInt32
    var nameEnd: UInt32
    var valueStart: UInt32
    var valueEnd: UInt32
  }

  private let bytes: [UInt8]
  private let fields: [Field]

  /// `fields` point into `bytes`.
  init(bytes: [UInt8], fields: [Field]) {
    self.bytes = bytes
    self.fields = fields
  }

  /// Header fields made by hand, for requests that did not come from a socket.
  public init(_ list: [(name: String, value: String)] = []) {
    var bytes: [UInt8] = []
    var fields: [Field] = []
    for (name, value) in list {
      let nameStart = UInt32(truncatingIfNeeded: bytes.count)
      bytes.append(contentsOf: name.utf8)
      let nameEnd = UInt32(truncatingIfNeeded: bytes.count)
      bytes.append(contentsOf: value.utf8)
      let valueEnd = UInt32(truncatingIfNeeded: bytes.count)
      fields.append(Field(nameStart: nameStart, nameEnd: nameEnd, valueStart: nameEnd, valueEnd: valueEnd))
    }
    self.init(bytes: bytes, fields: fields)
  }

  /// The number of field lines.
  public var count: Int { fields.count }

  /// Every field line in the order received.
  public var all: [(name: String, value: String)] {
    fields.map { (text($0.nameStart, $0.nameEnd), text($0.valueStart, $0.valueEnd)) }
  }

  /// The value of a field, nil if it is absent. Several lines of one name are joined with `, ` (RFC 9110 §5.3).
  public subscript(name: String) -> String? {
    var result: String?
    for field in fields where matches(field, name) {
      let value = text(field.valueStart, field.valueEnd)
      result = result.map { $0 + ", " + value } ?? value
    }
    return result
  }

  /// The number of field lines of this name.
  public func count(of name: String) -> Int { fields.count { matches($0, name) } }

  /// The values of every field line of this name, in the order received.
  public func values(_ name: String) -> [String] {
    fields.filter { matches($0, name) }.map { text($0.valueStart, $0.valueEnd) }
  }

  /// The field lines whose names begin with a text, whatever its case.
  public func lines(beginningWith prefix: String) -> [(name: String, value: String)] {
    let count = prefix.utf8.count
    return fields.filter { field in
      guard Int(field.nameEnd) - Int(field.nameStart) > count else { return false }
      let start = Int(field.nameStart)
      return bytes.withUnsafeBytes { all in
        equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: all[start..<(start + count)]), prefix.utf8)
      }
    }
    .map { (text($0.nameStart, $0.nameEnd), text($0.valueStart, $0.valueEnd)) }
  }

  private func matches(_ field: Field, _ name: String) -> Bool {
    let count = Int(field.nameEnd) - Int(field.nameStart)
    guard name.utf8.count == count else { return false }
    return bytes.withUnsafeBytes { all in
      equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: all[Int(field.nameStart)..<Int(field.nameEnd)]), name.utf8)
    }
  }

  private func text(_ start: UInt32, _ end: UInt32) -> String {
    String(decoding: bytes[Int(start)..<Int(end)], as: UTF8.self)
  }
}

/// Compares ASCII without regard to case; other bytes must be equal.
@inline(__always)
func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ text: String.UTF8View) -> Bool {
  guard bytes.count == text.count else { return false }
  var position = 0
  for expected in text {
    guard lowercase(bytes[position]) == lowercase(expected) else { return false }
    position += 1
  }
  return true
}

@inline(__always)
func lowercase(_ byte: UInt8) -> UInt8 {
  byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
