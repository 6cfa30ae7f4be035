/// The codes of a required binding's value set, as far as the release's package lists them.
public struct CodeSet: Sendable {
  /// The value set's canonical URL without version.
  public let url: String
  /// True if codes outside of the list may be in the value set, because a code system of it is not in the package
  /// (media types, languages, currencies, UCUM).
  public let isOpen: Bool
  /// The code systems, one in almost all cases: the implicit system of an element of type `code`.
  public let systems: [String]
  let entries: [Entry]
  let scope: UInt16

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
    let set = codeSets[Int(binding.rawValue)]
    return set.isOpen || keys.find(code, scope: set.scope) != nil
  }

  /// The system of a code that stands alone in an element of type `code` with this binding: the system that lists it, or
  /// the only system of the value set; nil if the code is in none. Constant time.
  public func system(ofCode code: UnsafeBufferPointer<UInt8>, in binding: BindingID) -> String? {
    let set = codeSets[Int(binding.rawValue)]
    if let found = keys.find(code, scope: set.scope) { return set.systems[Int(found.element)] }
    return set.isOpen && set.systems.count == 1 ? set.systems[0] : nil
  }
}
