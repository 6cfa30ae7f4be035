/// The character repertoires of a data set's text, as (0008,0005) tells them (PS3.3 C.12.1.1.2, PS3.5 §6.1).
public struct SpecificCharacterSet: Hashable, Sendable {
  /// The defined terms as they ought to be written, one for each value; none for the default repertoire.
  public let terms: [String]
  /// What was wrong with the terms.
  let faults: [Tolerance.Kind]
  let initialG0: GraphicSet
  let initialG1: GraphicSet?
  /// For bytes of G1 that nothing was designated for.
  let fallbackG1: GraphicSet
  let coding: Coding

  /// How bytes become characters.
  enum Coding: Hashable, Sendable {
    /// Sets in G0 and G1, escape sequences between them (ISO/IEC 2022).
    case iso2022
    case utf8, gb18030, gbk
  }

  /// A set of graphic characters that can be in G0 or G1.
  enum GraphicSet: Hashable, Sendable {
    case ascii, latin1
    /// ISO-IR 14 and ISO-IR 13.
    case jisX0201Romaji, jisX0201Katakana
    /// Of `CharacterSetTables`, by its number in the ISO register.
    case singleByte(Int)
    case doubleByte(Int)
  }

  /// The default repertoire, ISO-IR 6.
  public static let `default` = SpecificCharacterSet(terms: [])
  public static let utf8 = SpecificCharacterSet(terms: ["ISO_IR 192"])

  /// - Parameter terms: the values of (0008,0005); misspelt ones are understood where they are clear.
  public init(terms: [String]) {
    var faults: [Tolerance.Kind] = []
    var known = terms.prefix(16).map { Self.term($0, &faults) }
    // PS3.3 C.12.1.1.2: a first value that is empty is ISO 2022 IR 6. Alone it is the default.
    if known.allSatisfy({ $0.isEmpty }) { known = [] }
    self.terms = known
    self.faults = faults
    let sets = known.map(Self.sets)
    initialG0 = sets.first?.g0 ?? .ascii
    initialG1 = sets.first?.g1
    fallbackG1 = sets.lazy.compactMap(\.g1).first ?? .latin1
    switch known.first {
    case "ISO_IR 192": coding = .utf8
    case "GB18030": coding = .gb18030
    case "GBK", "ISO 2022 GBK": coding = .gbk
    default: coding = .iso2022
    }
  }

  /// From the bytes of (0008,0005).
  init(value: UnsafeRawBufferPointer) {
    self.init(
      terms: value.split(separator: UInt8(ascii: "\\"), maxSplits: 16, omittingEmptySubsequences: false).map {
        String(decoding: $0.trimmedRight.drop { $0 == 0x20 }, as: UTF8.self)
      })
  }

  public static func == (lhs: SpecificCharacterSet, rhs: SpecificCharacterSet) -> Bool {
    lhs.terms == rhs.terms && lhs.faults == rhs.faults
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(terms) }

  /// Whether text is ASCII, or says of itself in each place that it is not: no byte means anything else.
  var isDefault: Bool { terms.isEmpty }

  // MARK: Terms

  /// ISO register numbers of the single-byte sets for G1.
  static let singleByteNumbers = [100, 101, 109, 110, 144, 127, 126, 138, 148, 203, 13, 166]
  static let doubleByteNumbers = [87, 159, 149, 58]

  private static let definedTerms: Set<String> = {
    var terms: Set<String> = ["", "ISO_IR 192", "GB18030", "GBK", "ISO 2022 IR 6"]
    for number in singleByteNumbers { terms.formUnion(["ISO_IR \(number)", "ISO 2022 IR \(number)"]) }
    for number in doubleByteNumbers { terms.insert("ISO 2022 IR \(number)") }
    return terms
  }()

  /// Letters and digits of a term, and of what is written for it, to the defined term.
  private static let spellings: [String: String] = {
    var spellings: [String: String] = [:]
    for term in definedTerms where !term.isEmpty { spellings[letters(term)] = term }
    for number in doubleByteNumbers { spellings["ISOIR\(number)"] = "ISO 2022 IR \(number)" }
    let others = [
      "UTF8": "ISO_IR 192", "ISO2022IR192": "ISO_IR 192", "LATIN1": "ISO_IR 100", "ISO88591": "ISO_IR 100",
      "ISO88592": "ISO_IR 101", "ISO88593": "ISO_IR 109", "ISO88594": "ISO_IR 110", "ISO88595": "ISO_IR 144",
      "ISO88596": "ISO_IR 127", "ISO88597": "ISO_IR 126", "ISO88598": "ISO_IR 138", "ISO88599": "ISO_IR 148",
      "ISO885915": "ISO_IR 203", "ISOIR6": "", "ASCII": "", "ISO646": "", "ISO202258": "ISO 2022 IR 58",
      "ISO2022GBK": "GBK", "ISO2022GB18030": "GB18030", "ISO2022B": "", "ISO2022IR14": "ISO 2022 IR 13",
      "ISOIR14": "ISO_IR 13",
    ]
    spellings.merge(others) { first, _ in first }
    return spellings
  }()

  private static func letters(_ term: String) -> String {
    String(
      decoding: term.utf8.filter { $0 &- 48 < 10 || ($0 | 0x20) &- 97 < 26 }.map {
        $0 &- 97 < 26 ? $0 - 32 : $0
      }, as: UTF8.self)
  }

  private static func term(_ text: String, _ faults: inout [Tolerance.Kind]) -> String {
    if definedTerms.contains(text) { return text == "ISO 2022 IR 6" ? "" : text }
    if let term = spellings[letters(text)] {
      if !faults.contains(.misspeltCharacterSet) { faults.append(.misspeltCharacterSet) }
      return term
    }
    if !faults.contains(.unknownCharacterSet) { faults.append(.unknownCharacterSet) }
    return ""
  }

  /// What a term designates to G0 and G1 when a value begins.
  private static func sets(_ term: String) -> (g0: GraphicSet, g1: GraphicSet?) {
    guard let number = term.split(separator: " ").last.flatMap({ Int($0) }) else { return (.ascii, nil) }
    switch number {
    case 13: return (.jisX0201Romaji, .jisX0201Katakana)
    case 100: return (.ascii, .latin1)
    // By the standard these begin with an escape sequence; some begin without.
    case 149, 58: return (.ascii, .doubleByte(number))
    case _ where singleByteNumbers.contains(number): return (.ascii, .singleByte(number))
    default: return (.ascii, nil)
    }
  }
}
