extension DataElement {
  /// How many values there are (PS3.5 §6.4): of text by `\`, of numbers by their size, items of a sequence.
  public var valueMultiplicity: Int {
    if isSequence { return items.reduce(0) { count, _ in count + 1 } }
    if isEmpty { return 0 }
    if vr.valueSize > 0 { return length / vr.valueSize }
    return vr.isText && !vr.isSingleText ? strings.count : 1
  }

  /// All values as text in Unicode, without the padding at their ends, and without spaces in front where they mean
  /// nothing (PS3.5 §6.2). Numbers as they are written; binary numbers in decimal. Empty values stay.
  public var strings: [String] {
    if isEmpty || isSequence { return [] }
    guard vr.isText else { return binaryStrings }
    var result: [String] = []
    var values = ValueText(bytes, vr: vr, characterSet: specificCharacterSet)
    while values.next({ result.append(String(decoding: $0, as: UTF8.self)) }) {}
    return result
  }

  private var binaryStrings: [String] {
    switch vr {
    case .AT: return tags.map(\.hexadecimal)
    case .FD, .FL: return doubles.map { "\($0)" }
    case .UV: return unsigned64.map { "\($0)" }
    default: return integers.map { "\($0)" }
    }
  }

  /// The first value as `strings` has it, nil if the element or the value is empty.
  public var string: String? { strings.first.flatMap { $0.isEmpty ? nil : $0 } }

  /// Whole numbers: of binary VRs and IS, and DS without a fraction. Values that are none are left out.
  public var integers: [Int] {
    switch vr {
    case .US: return words(2) { Int(UInt16(truncatingIfNeeded: $0)) }
    case .SS: return words(2) { Int(Int16(truncatingIfNeeded: $0)) }
    case .UL: return words(4) { Int(UInt32(truncatingIfNeeded: $0)) }
    case .SL: return words(4) { Int(Int32(truncatingIfNeeded: $0)) }
    case .SV: return words(8) { Int(Int64(truncatingIfNeeded: $0)) }
    case .UV: return unsigned64.compactMap { Int(exactly: $0) }
    case .IS, .DS: return strings.compactMap { Int($0) ?? Double($0).flatMap { Int(exactly: $0) } }
    default: return []
    }
  }

  /// The first whole number, nil if there is none.
  public var integer: Int? { vr == .IS || vr == .DS ? string.flatMap { _ in integers.first } : integers.first }

  /// UV values.
  public var unsigned64: [UInt64] { words(8) { $0 } }

  /// Numbers: of binary VRs, DS and IS. Values that are none are left out.
  public var doubles: [Double] {
    switch vr {
    case .FL: return words(4) { Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0))) }
    case .FD: return words(8) { Double(bitPattern: $0) }
    case .DS, .IS: return strings.compactMap { Double($0) }
    default: return integers.map { Double($0) }
    }
  }

  /// The first number, nil if there is none.
  public var double: Double? { doubles.first }

  /// AT values: tags, each of two words of 16 bits (PS3.5 §6.2).
  public var tags: [Tag] {
    guard vr == .AT else { return [] }
    let halves = words(2) { UInt16(truncatingIfNeeded: $0) }
    return stride(from: 0, to: halves.count - 1, by: 2).map { Tag(halves[$0], halves[$0 + 1]) }
  }

  /// PN values.
  public var personNames: [PersonName] { vr == .PN ? strings.map { PersonName($0) } : [] }

  /// Binary words of `size` bytes, in the value's byte order.
  private func words<T>(_ size: Int, _ transform: (UInt64) -> T) -> [T] {
    let value = bytes
    let count = value.count / size
    return (0..<count).map { transform(BinaryWord.load(value, at: $0 * size, size: size, isBigEndian: isBigEndian)) }
  }
}

/// Binary numbers of 2, 4 and 8 bytes in either byte order (PS3.5 §7.3).
enum BinaryWord {
  @inline(__always)
  static func load(_ bytes: UnsafeRawBufferPointer, at offset: Int, size: Int, isBigEndian: Bool) -> UInt64 {
    switch size {
    case 2:
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
      return UInt64(isBigEndian ? UInt16(bigEndian: word) : UInt16(littleEndian: word))
    case 4:
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      return UInt64(isBigEndian ? UInt32(bigEndian: word) : UInt32(littleEndian: word))
    case 8:
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      return isBigEndian ? UInt64(bigEndian: word) : UInt64(littleEndian: word)
    default:
      return UInt64(bytes[offset])
    }
  }

  @inline(__always)
  static func append(_ value: UInt64, size: Int, isBigEndian: Bool, to bytes: inout [UInt8]) {
    for place in 0..<size {
      let shift = UInt64(8 * (isBigEndian ? size - 1 - place : place))
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
}
