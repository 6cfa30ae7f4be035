internal import CUCUMTable
internal import Synchronization

/// The Unified Code for Units of Measure, version 2.2: validity, comparability and canonical units of its
/// case-sensitive codes (https://ucum.org/ucum).
///
/// Results are kept: the same code again costs a look-up.
public enum UCUM {
  /// The code system's URL in FHIR.
  public static let system = "http://unitsofmeasure.org"
  /// Bytes of a code.
  public static let lengthMax = 256
  /// Parentheses within each other.
  public static let depthMax = 16
  /// Of an exponent's magnitude, written or of a base unit in the result.
  public static let exponentMax = 999
  /// Codes kept with their results. When they are so many all are forgotten: a clinic has hundreds.
  public static let cacheCountMax = 4096

  /// The unit in base units; nil if the code is not valid or its magnitude cannot be computed with.
  public static func canonical(_ code: String) -> CanonicalUnit? { try? unit(code) }

  /// As `canonical(_:)`, from UTF-8 bytes.
  public static func canonical(utf8 code: UnsafeBufferPointer<UInt8>) -> CanonicalUnit? { try? unit(utf8: code) }

  /// As `canonical(_:)`, with the reason where there is none.
  public static func unit(_ code: String) throws(UnitError) -> CanonicalUnit {
    var code = code
    return try code.withUTF8 { bytes in Result { () throws(UnitError) in try unit(utf8: bytes) } }.get()
  }

  /// As `unit(_:)`, from UTF-8 bytes.
  public static func unit(utf8 code: UnsafeBufferPointer<UInt8>) throws(UnitError) -> CanonicalUnit {
    try UnitSystem.standard.unit(code)
  }

  /// The release of the table, "2.2".
  public static var version: String { UnitSystem.standard.table.version }
}

/// A table of units and what was looked up in it.
final class UnitSystem: Sendable {
  static let standard = UnitSystem()

  let table: UnitTable
  private let cacheCountMax: Int
  private let cache = Mutex<[CodeKey: Result<CanonicalUnit, UnitError>]>([:])

  /// - Throws: `UnitError` of code `table`, or whatever is wrong with a definition in the table.
  init(table bytes: UnsafeBufferPointer<UInt8>, cacheCountMax: Int = UCUM.cacheCountMax) throws(UnitError) {
    table = try UnitTable(bytes)
    self.cacheCountMax = cacheCountMax
  }

  private convenience init() {
    do {
      try self.init(table: UnsafeBufferPointer(start: ucum_table(), count: ucum_table_size()))
    } catch {
      // The table is part of the program and tested; damage means that the program is damaged.
      fatalError("the embedded table of units is damaged: \(error)")
    }
  }

  var cachedCount: Int { cache.withLock { $0.count } }

  func unit(_ code: UnsafeBufferPointer<UInt8>) throws(UnitError) -> CanonicalUnit {
    guard let key = CodeKey(code) else { return try compute(code) }
    if let known = cache.withLock({ $0[key] }) { return try known.get() }
    let result = Result { () throws(UnitError) in try compute(code) }
    cache.withLock { cache in
      if cache.count >= cacheCountMax { cache.removeAll(keepingCapacity: true) }
      cache[key] = result
    }
    return try result.get()
  }

  func compute(_ code: UnsafeBufferPointer<UInt8>) throws(UnitError) -> CanonicalUnit {
    var parser = UnitParser(code, symbols: table)
    var term = try parser.parse()
    var offset: Rational?
    // Special units may be scaled, but not multiplied with others (UCUM §22): alone they have their own scale, within
    // another unit they stay what they are.
    if term.dimensions.count == 1, let only = term.dimensions.first, only.exponent == 1,
      let scale = table.intervalScales[only.base]
    {
      try term.multiply(
        by: UnitTerm(magnitude: scale.unit.magnitude, dimensions: []), exponent: 1, offset: 0)
      term.dimensions = scale.unit.dimensions
      offset = scale.zero.multiplied(by: scale.unit.magnitude)
    }
    let factor = term.magnitude.double
    guard factor.isNormal else { throw UnitError(.magnitudeOutOfRange, offset: 0) }
    return CanonicalUnit(code: text(term.dimensions), factor: term.magnitude, offset: offset)
  }

  private func text(_ dimensions: [Dimension]) -> String {
    if dimensions.isEmpty { return "1" }
    var text = ""
    for dimension in dimensions {
      if !text.isEmpty { text += "." }
      text += table.bases[Int(dimension.base)]
      if dimension.exponent != 1 { text += String(dimension.exponent) }
    }
    return text
  }
}

/// A code of up to 32 bytes, padded with zeros; longer ones are not kept. FHIR's list of common units has none longer.
struct CodeKey: Sendable, Hashable {
  static let lengthMax = 32

  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  init?(_ code: UnsafeBufferPointer<UInt8>) {
    // A zero at the end could not be told from the padding. No unit has one.
    guard code.count <= Self.lengthMax, code.last != 0 else { return nil }
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: code) }
  }

  static func == (a: CodeKey, b: CodeKey) -> Bool { a.words == b.words }

  func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}
