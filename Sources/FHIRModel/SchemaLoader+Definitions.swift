extension SchemaLoader {
  /// `V name open`
  mutating func readCodeSet() throws(SchemaError) {
    codeSets.append(
      CodeSet(
        url: canonical(try field(1), of: "ValueSet"), isOpen: optional(2) != nil, systems: [], entries: []))
  }

  /// `C system code…`
  mutating func readCodes() throws(SchemaError) {
    guard let last = codeSets.indices.last else { throw fault("codes before any value set") }
    let system = codeSets[last].systems.count
    guard system < Int(UInt8.max) else { throw fault("too many systems") }
    codeSets[last].systems.append(try field(1).string)
    let scope = UInt16(last) | KeyTable.codeBit
    codeSets[last].entries.reserveCapacity(codeSets[last].entries.count + fields.count)
    for code in fields.dropFirst(2) {
      codeSets[last].entries.append(CodeSet.Entry(system: UInt8(system), code: code))
      // A code that two systems list is found in the first.
      _ = keys.insert(code, scope: scope, type: 0, element: Int32(system))
    }
  }

  /// `P url code name type base expression targets comparators modifiers multiple usage description`
  mutating func readSearchParameter() throws(SchemaError) {
    guard let type = SearchParameterDefinition.Kind(rawValue: try field(4).string) else {
      throw fault("unknown kind of search parameter")
    }
    let multiple = optional(10)?.utf8
    searchParameters.append(
      SearchParameterDefinition(
        code: try field(2).string, url: canonical(try field(1), of: "SearchParameter"), name: try field(3).string,
        type: type, base: try typeList(5), expression: optional(6)?.string, targets: try typeList(7), components: [],
        comparators: words(8), modifiers: words(9), multipleOr: Self.flag(multiple, "O", "o"),
        multipleAnd: Self.flag(multiple, "A", "a"), usage: optional(11)?.string,
        description: optional(12)?.string ?? ""))
  }

  /// A statement that may be made, denied or left open: its letter in upper case, in lower case, or absent.
  private static func flag(
    _ letters: UnsafeBufferPointer<UInt8>?, _ yes: Unicode.Scalar, _ no: Unicode.Scalar
  ) -> Bool? {
    guard let letters else { return nil }
    if letters.contains(UInt8(ascii: yes)) { return true }
    return letters.contains(UInt8(ascii: no)) ? false : nil
  }

  /// `Q definition expression`
  mutating func readComponent() throws(SchemaError) {
    guard let last = searchParameters.indices.last else { throw fault("component before any search parameter") }
    searchParameters[last].components.append(
      SearchParameterDefinition.Component(
        definition: canonical(try field(1), of: "SearchParameter"), expression: try field(2).string))
  }

  /// `K code url`
  mutating func readCompartment() throws(SchemaError) {
    let code = try field(1)
    compartments.append(
      CompartmentDefinition(
        code: code.string, type: try type(code), url: canonical(try field(2), of: "CompartmentDefinition"),
        parameters: [:]))
  }

  /// `M type parameters`
  mutating func readCompartmentMember() throws(SchemaError) {
    guard let last = compartments.indices.last else { throw fault("member before any compartment") }
    compartments[last].parameters[try type(try field(1))] = words(2)
  }
}
