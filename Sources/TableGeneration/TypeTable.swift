import JSONCore

/// The types of a release: lines `T`, `E` and `I`.
struct TypeTable {
  /// A type with all its elements, inherited ones included, as they stand in the snapshot.
  struct Entry {
    var name: String
    var kind: String
    var base: String
    var elements: [Line] = []
    /// What instances must keep: the constraints of the type's own definition, inherited ones included.
    var constraints: [JSONValue] = []
  }

  struct Line {
    var name: String
    var cardinality: String
    var types: [String]
    var flags: String
    var valueSet: String
    var constraints: [JSONValue]

    /// "Reference(Patient,Group)" is of type "Reference".
    var typeNames: [String] { types.map { String($0.prefix { $0 != "(" }) } }

    var text: String {
      TableGenerator.line("E", name, cardinality, types.joined(separator: " "), flags, valueSet)
    }
  }

  private(set) var entries: [Entry] = []
  private var places: [String: Int] = [:]
  /// Value sets of required bindings.
  private(set) var valueSets: Set<String> = []

  /// The system types of FHIRPath that are types of primitives' `value` (FHIRPath 2.0, "Types and Reflection").
  private static let systemTypes = ["Boolean", "Date", "DateTime", "Decimal", "Integer", "Long", "String", "Time"]

  init(_ package: DefinitionPackage) throws {
    for name in Self.systemTypes { add(Entry(name: "System." + name, kind: "system", base: "")) }
    let used = Self.typeCodes(package.structures)
    for structure in package.structures {
      let (id, kind) = (structure.text("id"), structure.text("kind"))
      let isConstraint = structure.text("derivation") == "constraint"
      // STU3 publishes Age, Count, Distance, Duration, Money and SimpleQuantity as profiles of Quantity, and yet names
      // them as elements' types.
      let isUsedProfile = isConstraint && kind == "complex-type" && used.contains(id)
      guard kind != "logical", !isConstraint || isUsedProfile else { continue }
      try read(structure, name: id)
    }
  }

  private static func typeCodes(_ structures: [JSONValue]) -> Set<String> {
    var codes: Set<String> = []
    for structure in structures where structure.text("derivation") != "constraint" {
      for element in structure["snapshot"]?.list("element") ?? [] {
        codes.formUnion(element.list("type").map { $0.text("code") })
      }
    }
    return codes
  }

  private mutating func add(_ entry: Entry) {
    places[entry.name] = entries.count
    entries.append(entry)
  }

  // MARK: - Reading

  private mutating func read(_ structure: JSONValue, name root: String) throws {
    let kind = structure.text("kind")
    let word = kind == "resource" ? "resource" : kind == "primitive-type" ? "primitive" : "complex"
    let isAbstract = structure["abstract"]?.bool ?? false
    let base = structure.text("baseDefinition").without(prefix: TableGenerator.structures)
    let elements = structure["snapshot"]?.list("element") ?? []
    guard let first = elements.first else { throw GenerationError("\(root) has no snapshot") }
    // A profile's paths begin with the profiled type.
    let path = first.text("path")
    let parents = Set(elements.map { Self.parent($0.text("path")) })
    add(
      Entry(name: root, kind: (isAbstract ? "abstract " : "") + word, base: base, constraints: first.list("constraint"))
    )
    for element in elements.dropFirst() {
      let full = root + element.text("path").dropFirst(path.count)
      guard let owner = places[Self.parent(full)] else { throw GenerationError("\(full) has no parent") }
      let isBackbone = parents.contains(element.text("path"))
      if isBackbone {
        let base = element.list("type").first?.text("code") ?? ""
        add(Entry(name: full, kind: "backbone", base: base, constraints: element.list("constraint")))
      }
      entries[owner].elements.append(line(element, path: full, isBackbone: isBackbone, in: word))
    }
  }

  private static func parent(_ path: String) -> String {
    path.lastIndex(of: ".").map { String(path[..<$0]) } ?? ""
  }

  private mutating func line(_ element: JSONValue, path: String, isBackbone: Bool, in kind: String) -> Line {
    let isSummary = element["isSummary"]?.bool ?? false
    let isModifier = element["isModifier"]?.bool ?? false
    let reference = element.text("contentReference")
    var types = isBackbone ? [path] : types(element, path: path, isPrimitiveValue: kind == "primitive")
    if let mark = reference.firstIndex(of: "#") { types = [String(reference[reference.index(after: mark)...])] }
    return Line(
      name: String(path.dropFirst(Self.parent(path).count + 1)),
      cardinality: "\(element["min"]?.integer ?? 0)..\(element.text("max"))", types: types,
      flags: (isSummary ? "S" : "") + (isModifier ? "M" : ""), valueSet: requiredValueSet(element),
      // What applies to a backbone type applies to its instances, wherever they stand.
      constraints: isBackbone ? [] : element.list("constraint"))
  }

  private mutating func requiredValueSet(_ element: JSONValue) -> String {
    guard let binding = element["binding"], binding.text("strength") == "required" else { return "" }
    // STU3 has valueSetUri or valueSetReference.
    let url = [
      binding.text("valueSet"), binding.text("valueSetUri"), binding["valueSetReference"]?.text("reference") ?? "",
    ].first { !$0.isEmpty }?.withoutVersion
    guard let url else { return "" }
    valueSets.insert(url)
    return url.without(prefix: TableGenerator.valueSets)
  }

  private func types(_ element: JSONValue, path: String, isPrimitiveValue: Bool) -> [String] {
    var names: [String] = []
    var targets: [String: [String]] = [:]
    for type in element.list("type") {
      let declared = Repairs.elementTypes[element["base"]?.text("path") ?? path]?.type
      let name = declared ?? typeName(type, isPrimitiveValue: isPrimitiveValue && path.hasSuffix(".value"))
      if !names.contains(name) { names.append(name) }
      targets[name, default: []] += type.texts("targetProfile").map { $0.without(prefix: TableGenerator.structures) }
    }
    return names.map { name in
      let list = targets[name] ?? []
      // A reference to any resource is written as one without targets, or as one to Resource.
      return list.isEmpty || list.contains("Resource") ? name : "\(name)(\(list.joined(separator: ",")))"
    }
  }

  private func typeName(_ type: JSONValue, isPrimitiveValue: Bool) -> String {
    let code = type.text("code")
    let system = "http://hl7.org/fhirpath/"
    if code.isEmpty {
      // STU3 gives a primitive's value no type but its form in JSON.
      let form = type["_code"]?.extensionValue(TableGenerator.structures + "structuredefinition-json-type")?.string
      return form == "boolean" ? "System.Boolean" : form == "number" ? "System.Decimal" : "System.String"
    }
    guard code.hasPrefix(system) else { return code }
    // `id` and Extension.url are declared with a system type; this extension tells the FHIR type.
    let fhirType = type.extensionValue(TableGenerator.structures + "structuredefinition-fhir-type")?.string
    return isPrimitiveValue ? code.without(prefix: system) : fhirType ?? "string"
  }

  // MARK: - Writing

  /// All types, each after its base.
  func lines() -> [String] {
    var written: Set<String> = []
    var result: [String] = []
    for entry in entries {
      var chain = [entry]
      while let base = places[chain[chain.count - 1].base], !written.contains(entries[base].name) {
        chain.append(entries[base])
      }
      for entry in chain.reversed() where written.insert(entry.name).inserted { result += lines(entry) }
    }
    return result
  }

  private func lines(_ entry: Entry) -> [String] {
    let base = places[entry.base].map { entries[$0] }
    let own = entry.elements.map(\.text)
    let inherited = zip(own, base?.elements.map(\.text) ?? []).prefix { $0 == $1 }.count
    var result = [
      TableGenerator.line("T", entry.name, entry.kind, base?.name ?? "", inherited > 0 ? "\(inherited)" : "")
    ]
    result += own.dropFirst(inherited)
    let inheritedKeys = Set((base?.constraints ?? []).map { $0.text("key") })
    for constraint in entry.constraints where !inheritedKeys.contains(constraint.text("key")) {
      result.append(line(constraint, element: ""))
    }
    for element in entry.elements {
      var known = Set(element.typeNames.flatMap { self.constraintKeys(ofType: $0) })
      let inherited = base?.elements.first { $0.name == element.name }
      known.formUnion((inherited?.constraints ?? []).map { $0.text("key") })
      for constraint in element.constraints where !known.contains(constraint.text("key")) {
        result.append(line(constraint, element: element.name.replacing("[x]", with: "")))
      }
    }
    return result
  }

  private func constraintKeys(ofType name: String) -> [String] {
    places[name].map { entries[$0].constraints.map { $0.text("key") } } ?? []
  }

  private func line(_ constraint: JSONValue, element: String) -> String {
    TableGenerator.line(
      "I", constraint.text("key"), constraint.text("severity"), element, constraint.text("human").oneLine,
      Repairs.spelled(constraint.text("expression").oneLine))
  }
}
