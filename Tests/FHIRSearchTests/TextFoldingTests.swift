import FHIRSearch
import Testing

/// FHIR R4 search#string: case and combining marks do not count.
@Suite struct TextFoldingTests {
  @Test(arguments: [
    ("Müller", "muller"), ("Mu\u{308}ller", "muller"), ("ÉCOLE", "ecole"), ("Ångström", "angstrom"),
    ("\u{212B}", "a"), ("Đặng", "dang"), ("Łódź", "lodz"), ("STRASSE", "strasse"), ("Straße", "strasse"),
    ("Æther", "aether"), ("Œuvre", "oeuvre"), ("Þór", "thor"), ("Søren", "soren"),
    ("a  b\t\n c", "a b c"), ("a\u{A0}b", "a b"), ("A\u{3000}B", "a b"), (" a ", " a "),
    ("ΑΒΓ", "αβγ"), ("Άλφα", "αλφα"), ("Иван Й", "иван и"), ("İstanbul", "istanbul"), ("ISPARTA", "isparta"),
    ("日本", "日本"), ("한글", "한글"), ("😀", "😀"), ("", ""), ("1'-.", "1'-."),
  ])
  func folds(text: String, expected: String) {
    // Compared by scalars: Swift's == would hide what SQLite's comparison of bytes sees.
    #expect(Self.scalars(TextFolding.fold(text)) == Self.scalars(TextFolding.fold(expected)), "\(text)")
    if !text.unicodeScalars.contains(where: { $0.value >= 0xAC00 && $0.value <= 0xD7A3 }) {
      #expect(Self.scalars(TextFolding.fold(text)) == Self.scalars(expected), "\(text)")
    }
  }

  private static func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

  /// Composed and decomposed forms of a text fold to the same bytes, and folding twice changes nothing.
  @Test func equivalentTextsFoldAlike() {
    let pairs = [
      ("\u{E9}", "e\u{301}"), ("\u{1E9B}\u{323}", "\u{17F}\u{323}\u{307}"), ("\u{AC00}", "\u{1100}\u{1161}"),
      ("q\u{307}\u{323}", "q\u{323}\u{307}"), ("\u{2126}", "\u{3A9}"),
    ]
    for (a, b) in pairs {
      #expect(Self.scalars(TextFolding.fold(a)) == Self.scalars(TextFolding.fold(b)), "\(a)")
    }
    for text in ["Größe  ﬁ Ǆ İ ẞ ŉ", "A\u{301}\u{A0} B", "ΐ ᾳ ß", "\u{1F600}\u{200D}"] {
      let once = TextFolding.fold(text)
      #expect(Self.scalars(TextFolding.fold(once)) == Self.scalars(once), "\(text)")
    }
  }

  /// A prefix of a text folds to a prefix: what a starts-with search relies on. (But for a prefix that ends in white
  /// space, or inside a character.)
  @Test func prefixesStayPrefixes() {
    let text = "Łukasz Ångström-Müller Þór straße 日本"
    for count in 1...text.count where !text.prefix(count).hasSuffix(" ") {
      let prefix = TextFolding.fold(String(text.prefix(count)))
      #expect(TextFolding.fold(text).utf8.starts(with: prefix.utf8), "\(count)")
    }
  }
}
