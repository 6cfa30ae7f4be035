/// The codes of a required binding's value set, as far as the release's package lists them.
public struct CodeSet: Sendable {
  /// The value set's canonical URL without version.
  public let url: String
  /// True if codes outside of the list may be in the value set, because a code system of it is not in the package
  /// (media types, languages, currencies, UCUM).
  public let isOpen: Bool
  /// The code systems, one in almost all cases: the implicit system of an element of type `code`.
  public internal(set) var systems: [String]
  var entries: [Entry]

  struct Entry: Sendable {
    let system: UInt8
    let code: FrozenText
  }

  /// All listed codes with their systems, in the package's order.
  public var codes: [(system: String, code: String)] {
    entries.map { (systems[Int($0.system)], $0.code.string) }
  }

  /// The number of listed codes.
  public var count: Int { entries.count }
}

extension Schema {
  /// The codes of a required binding's value set.
  public func codes(_ binding: BindingID) -> CodeSet { codeSets[Int(binding.rawValue)] }

  /// All required bindings' value sets.
  public var bindings: [BindingID] { codeSets.indices.map { BindingID(rawValue: UInt16($0)) } }

  /// The required binding of that value set (canonical URL without version).
  public func binding(valueSet url: String) -> BindingID? {
    codeSets.firstIndex { $0.url == url }.map { BindingID(rawValue: UInt16($0)) }
  }

  /// Whether a code is in the binding's value set; true also for unlisted codes of an open one. Constant time.
  public func allows(_ code: UnsafeBufferPointer<UInt8>, in binding: BindingID) -> Bool {
    keys.find(code, scope: binding.rawValue | KeyTable.codeBit) != nil || codeSets[Int(binding.rawValue)].isOpen
  }

  /// The system of a code that stands alone in an element of type `code` with this binding: the one that lists it; for
  /// an unlisted code of an open value set its only system; else nil. Constant time.
  public func system(ofCode code: UnsafeBufferPointer<UInt8>, in binding: BindingID) -> String? {
    let index = Int(binding.rawValue)
    if let found = keys.find(code, scope: binding.rawValue | KeyTable.codeBit) {
      return codeSets[index].systems[Int(found.element)]
    }
    return codeSets[index].isOpen && codeSets[index].systems.count == 1 ? codeSets[index].systems[0] : nil
  }
}
