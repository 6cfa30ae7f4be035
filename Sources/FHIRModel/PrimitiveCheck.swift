/// Lexical validity of FHIR's primitive types: the regular expressions of the R4 StructureDefinitions as byte loops.
///
/// All checks take decoded bytes, without JSON's quotes and escapes.
public enum PrimitiveCheck {
  /// R4 datatypes#string: at most 1024 × 1024 characters.
  public static let stringCharactersMax = 1024 * 1024

  /// Whether the bytes are a value of the type.
  public static func isValid(_ bytes: UnsafeBufferPointer<UInt8>, as type: Primitive) -> Bool {
    switch type {
    case .boolean: return isBoolean(bytes)
    case .integer: return isInteger(bytes)
    case .integer64: return isInteger64(bytes)
    case .unsignedInt: return isInteger(bytes, from: 0)
    case .positiveInt: return isInteger(bytes, from: 1)
    case .decimal: return isDecimal(bytes)
    case .string, .markdown: return isString(bytes)
    case .uri, .url, .canonical: return isURI(bytes)
    case .oid: return isOID(bytes)
    case .uuid: return isUUID(bytes)
    case .base64Binary: return isBase64(bytes)
    case .instant: return FHIRDateTime(bytes, as: .instant) != nil
    case .date: return FHIRDateTime(bytes, as: .date) != nil
    case .dateTime: return FHIRDateTime(bytes, as: .dateTime) != nil
    case .time: return FHIRDateTime(bytes, as: .time) != nil
    case .code: return isCode(bytes)
    case .id: return isLogicalID(bytes[...])
    case .xhtml: return NarrativeCheck.problem(bytes) == nil
    }
  }

  /// As the byte check.
  public static func isValid(_ text: String, as type: Primitive) -> Bool {
    var text = text
    return text.withUTF8 { isValid($0, as: type) }
  }

  /// A resource's logical id: `[A-Za-z0-9\-\.]{1,64}`.
  public static func isLogicalID(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool { isLogicalID(bytes[...]) }

  /// As the byte check.
  public static func isLogicalID(_ text: String) -> Bool { isValid(text, as: .id) }

  static func isLogicalID(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    guard !bytes.isEmpty, bytes.count <= 64 else { return false }
    return bytes.allSatisfy { ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || $0 == 45 || $0 == 46 }
  }
}

// MARK: - Numbers and text

extension PrimitiveCheck {
  static func isBoolean(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    bytes.elementsEqual("true".utf8) || bytes.elementsEqual("false".utf8)
  }

  /// `-?([0]|([1-9][0-9]*))` in 32 bits, and not below `from`.
  static func isInteger(_ bytes: UnsafeBufferPointer<UInt8>, from lowest: Int = -2_147_483_648) -> Bool {
    guard let first = bytes.first else { return false }
    let negative = first == UInt8(ascii: "-")
    // The grammar of unsignedInt and positiveInt has no sign, not even for -0.
    if negative, lowest >= 0 { return false }
    let digits = bytes[(negative ? 1 : 0)...]
    guard let lead = digits.first, digits.count <= 10, lead != 48 || digits.count == 1 else { return false }
    var value = 0
    for byte in digits {
      guard byte &- 48 < 10 else { return false }
      value = value * 10 + Int(byte &- 48)
    }
    if negative { value = -value }
    return value >= lowest && value <= 2_147_483_647
  }

  /// R5 datatypes#integer64: `[0]|[-+]?[1-9][0-9]*` in 64 bits.
  static func isInteger64(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = bytes.first else { return false }
    if first == 48 { return bytes.count == 1 }
    let negative = first == UInt8(ascii: "-")
    let digits = bytes[(negative || first == UInt8(ascii: "+") ? 1 : 0)...]
    guard let lead = digits.first, lead != 48 else { return false }
    var value: Int64 = 0
    for byte in digits {
      guard byte &- 48 < 10 else { return false }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let digit = Int64(byte &- 48)
      let (sum, carry) =
        negative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      guard !overflow, !carry else { return false }
      value = sum
    }
    return true
  }

  /// The grammar of `FHIRDecimal(_:)`, without making the number. R4 sets no bound on the digits.
  static func isDecimal(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var position = bytes.first == UInt8(ascii: "-") ? 1 : 0
    func digitRun() -> Bool {
      let start = position
      while position < bytes.count, bytes[position] &- 48 < 10 { position += 1 }
      return position > start
    }
    if position < bytes.count, bytes[position] == 48 { position += 1 } else if !digitRun() { return false }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      guard digitRun() else { return false }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, bytes[position] == 43 || bytes[position] == 45 { position += 1 }
      guard digitRun() else { return false }
    }
    return position == bytes.count
  }

  /// `[ \r\n\t\S]+`, no control characters, at most 1 M characters. Whitespace alone passes, as the expression says.
  static func isString(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard !bytes.isEmpty else { return false }
    if bytes.count > stringCharactersMax {
      var characters = 0
      for byte in bytes where byte & 0xC0 != 0x80 { characters += 1 }
      guard characters <= stringCharactersMax else { return false }
    }
    for byte in bytes where byte < 32 {
      guard byte == 9 || byte == 10 || byte == 13 else { return false }
    }
    return true
  }

  /// `\S*`, and never empty in JSON (R4 json.html#null: no empty strings).
  static func isURI(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    for byte in bytes where byte <= 32 { return false }
    return !bytes.isEmpty
  }

  /// `[^\s]+(\s[^\s]+)*`.
  static func isCode(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var spaceBefore = true
    for byte in bytes {
      if byte > 32 {
        spaceBefore = false
      } else {
        guard !spaceBefore, byte == 32 || byte == 9 || byte == 10 || byte == 13 else { return false }
        spaceBefore = true
      }
    }
    return !spaceBefore
  }
}

// MARK: - Identifiers and binary

extension PrimitiveCheck {
  /// `urn:oid:[0-2](\.(0|[1-9][0-9]*))+`.
  static func isOID(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard bytes.count >= 11, bytes[..<8].elementsEqual("urn:oid:".utf8), bytes[8] &- 48 < 3, bytes[9] == 46 else {
      return false
    }
    var arcStart = 10
    for index in 10...bytes.count {
      if index == bytes.count || bytes[index] == 46 {
        guard index > arcStart, bytes[arcStart] != 48 || index == arcStart + 1 else { return false }
        arcStart = index + 1
      } else if bytes[index] &- 48 >= 10 {
        return false
      }
    }
    return true
  }

  /// `urn:uuid:` and a UUID in lower case.
  static func isUUID(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard bytes.count == 45, bytes[..<9].elementsEqual("urn:uuid:".utf8) else { return false }
    for index in 0..<36 {
      let byte = bytes[index + 9]
      if index == 8 || index == 13 || index == 18 || index == 23 {
        guard byte == 45 else { return false }
      } else {
        guard byte &- 48 < 10 || byte &- 97 < 6 else { return false }
      }
    }
    return true
  }

  /// Groups of four characters with whitespace between groups only, padding only at the end.
  static func isBase64(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var inGroup = 0
    var groups = 0
    var padding = 0
    for byte in bytes {
      if byte == 32 || byte == 10 || byte == 13 || byte == 9 {
        guard inGroup == 0 else { return false }
        continue
      }
      if byte == UInt8(ascii: "=") {
        padding += 1
        guard inGroup >= 2 else { return false }
      } else {
        guard padding == 0, isBase64Digit(byte) else { return false }
      }
      inGroup += 1
      if inGroup == 4 {
        inGroup = 0
        groups += 1
      }
    }
    return inGroup == 0 && groups > 0
  }

  private static func isBase64Digit(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || byte == 43 || byte == 47
  }
}
