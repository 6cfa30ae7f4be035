internal import DICOMCore

/// Attributes by their keywords in PS3.6, in any order; written in ascending order of their tags.
struct AttributeList: Sendable {
  enum Value: Sendable {
    case text(String)
    case integers([Int])
    case doubles([Double])
    case tag(Tag)
    case items([AttributeList])
  }

  private struct Attribute: Sendable {
    let vr: VR
    let value: Value
  }

  private var attributes: [Tag: Attribute] = [:]

  /// Sets an attribute, in the place of an earlier one. A keyword that is not in PS3.6 sets nothing.
  mutating func set(_ keyword: String, _ value: Value) {
    guard let tag = DataDictionary.standard.tag(keyword: keyword), let entry = DataDictionary.standard.entry(tag) else {
      return
    }
    // The standard leaves US or SS open where the sign of the pixels decides; ours have none.
    attributes[tag] = Attribute(vr: entry.vr ?? .US, value: value)
  }

  mutating func set(_ keyword: String, _ text: String) { set(keyword, .text(text)) }
  mutating func set(_ keyword: String, _ uid: UID) { set(keyword, .text(uid.value)) }
  mutating func set(_ keyword: String, _ integers: Int...) { set(keyword, .integers(integers)) }

  /// Decimal strings.
  mutating func set(_ keyword: String, _ decimals: Micro...) {
    set(keyword, .text(decimals.map(\.text).joined(separator: "\\")))
  }

  /// A private element (PS3.5 §7.8.1); its creator is set with it.
  mutating func set(_ group: UInt16, creator: String, _ element: UInt8, _ vr: VR, _ text: String) {
    attributes[Tag(group, 0x0010)] = Attribute(vr: .LO, value: .text(creator))
    attributes[Tag(group, 0x1000 | UInt16(element))] = Attribute(vr: vr, value: .text(text))
  }

  /// Sets many at once: a keyword and a text a line, with `=` between.
  mutating func set(lines: String) {
    for line in lines.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { set(String(parts[0]), String(parts[1])) }
    }
  }

  func write(to builder: inout DataSetBuilder) throws(DICOMError) {
    for (tag, attribute) in attributes.sorted(by: { $0.key < $1.key }) {
      switch attribute.value {
      case .text(let text): try builder.append(tag, attribute.vr, text)
      case .integers(let integers): try builder.append(tag, attribute.vr, integers: integers)
      case .doubles(let doubles): try builder.append(tag, attribute.vr, doubles: doubles)
      case .tag(let value):
        let words = [value.group, value.element]
        try builder.append(tag, attribute.vr, bytes: words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] })
      case .items(let items):
        builder.beginSequence(tag)
        for item in items {
          builder.beginItem()
          try item.write(to: &builder)
          try builder.endItem()
        }
        try builder.endSequence()
      }
    }
  }
}

/// A decimal number in millionths, so that its text is exact and no longer than a DS may be.
struct Micro: Sendable {
  let millionths: Int

  init(millionths: Int) { self.millionths = millionths }
  init(_ value: Double) { millionths = Int((value * 1e6).rounded()) }

  var value: Double { Double(millionths) / 1e6 }

  /// Without zeros at its end: `-199.609375`, `5`.
  var text: String {
    let size = millionths.magnitude
    var text = (millionths < 0 ? "-" : "") + String(size / 1_000_000)
    let fraction = CalendarDay.digits(Int(size % 1_000_000), 6)
    let digits = fraction.lastIndex { $0 != "0" }.map { fraction[...$0] } ?? ""
    if !digits.isEmpty { text += "." + digits }
    return text
  }
}
