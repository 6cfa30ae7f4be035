/// A person's name: up to three groups of up to five components (PS3.5 §6.2.1).
public struct PersonName: Hashable, Sendable {
  /// The components of one group, as they stand between `^`.
  public struct ComponentGroup: Hashable, Sendable {
    /// `Family^Given^Middle^Prefix^Suffix`, without delimiters at the end.
    public let text: String

    public init(_ text: String) {
      var bytes = Array(text.utf8)
      while let last = bytes.last, last == UInt8(ascii: "^") || last == 0x20 { bytes.removeLast() }
      self.text = String(decoding: bytes, as: UTF8.self)
    }

    public var components: [String] { text.split(separator: "^", omittingEmptySubsequences: false).map(String.init) }
    public var isEmpty: Bool { text.isEmpty }
    public var familyName: String { component(0) }
    public var givenName: String { component(1) }
    public var middleName: String { component(2) }
    public var namePrefix: String { component(3) }
    public var nameSuffix: String { component(4) }

    private func component(_ place: Int) -> String {
      let all = components
      return place < all.count ? all[place] : ""
    }
  }

  /// In single-byte characters, mostly Latin.
  public let alphabetic: ComponentGroup
  public let ideographic: ComponentGroup
  public let phonetic: ComponentGroup

  /// - Parameter text: one value of a PN element in Unicode.
  public init(_ text: String) {
    let groups = text.split(separator: "=", maxSplits: 2, omittingEmptySubsequences: false)
    func group(_ place: Int) -> ComponentGroup { ComponentGroup(place < groups.count ? String(groups[place]) : "") }
    alphabetic = group(0)
    ideographic = group(1)
    phonetic = group(2)
  }

  /// The groups in the order of the standard.
  public var groups: [ComponentGroup] { [alphabetic, ideographic, phonetic] }
}
