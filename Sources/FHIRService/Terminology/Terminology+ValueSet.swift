import Base
import FHIRModel
import JSONCore

/// What a value set comes to (FHIR R4 valueset.html#compositions).
extension Terminology {
  /// Value sets that are built upon each other.
  private static let depthMax = 16

  /// The codes of a value set named by its canonical URL (`url|version`) or as `ValueSet/id`.
  /// - Throws: `.invalid` where it is not known, or where its codes are not.
  func codes(ofValueSet name: String) throws -> CodeList {
    let canonical = Canonical(name)
    if let known = valueSets[canonical] { return known }
    guard !path.contains(canonical) else {
      throw Fault(.invalid, "The value set '\(canonical.excerpt)' is built upon itself.", code: "business-rule")
    }
    guard path.count < Self.depthMax else {
      throw Fault(
        .invalid, "The value sets of the search are built upon each other more than \(Self.depthMax) deep.",
        code: "too-costly")
    }
    path.append(canonical)
    defer { path.removeLast() }
    let codes = try read(canonical)
    valueSets[canonical] = codes
    return codes
  }

  private func read(_ canonical: Canonical) throws -> CodeList {
    if let resource = try stored(canonical) { return try codes(of: resource, canonical) }
    if let binding = schema.binding(valueSet: canonical.url),
      canonical.version == nil || canonical.version == schema.fhirVersion
    {
      let set = schema.codes(binding)
      guard !set.isOpen else {
        throw Fault(
          .invalid, "The codes of the value set '\(canonical.excerpt)' cannot be listed.", code: "not-supported")
      }
      var list = CodeList()
      for (system, code) in set.codes { list.insert(code, of: system) }
      return list
    }
    throw Fault(.invalid, "The value set '\(canonical.excerpt)' is not known here.", code: "not-found")
  }

  private func stored(_ canonical: Canonical) throws -> JSONValue? {
    let parts = canonical.url.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2, parts[0] == "ValueSet" { return try resource("ValueSet", id: String(parts[1])) }
    return try resource("ValueSet", canonical)
  }

  private func codes(of resource: JSONValue, _ canonical: Canonical) throws -> CodeList {
    if let expansion = resource["expansion"], let codes = Self.listed(expansion) { return codes }
    guard let compose = resource["compose"] else {
      throw Fault(
        .invalid, "The value set '\(canonical.excerpt)' has neither a definition nor a whole expansion.",
        code: "not-supported")
    }
    let withoutInactive = compose["inactive"]?.bool == false
    var list = CodeList()
    for include in compose["include"]?.elements ?? [] {
      list.formUnion(try part(include, of: canonical, withoutInactive: withoutInactive))
    }
    for exclude in compose["exclude"]?.elements ?? [] {
      if let system = list.subtract(try part(exclude, of: canonical, withoutInactive: false)) {
        throw unlisted(system, canonical)
      }
    }
    return list
  }

  // MARK: compose.include, compose.exclude

  /// What one part chooses: of its system, and of all its value sets at once.
  private func part(_ part: JSONValue, of valueSet: Canonical, withoutInactive: Bool) throws -> CodeList {
    var lists: [CodeList] = []
    if let system = part["system"]?.string {
      let name = Canonical(system, version: part["version"]?.string)
      var list = CodeList(system, try selection(part, of: name, valueSet))
      if withoutInactive, let inactive = try concepts(of: name)?.inactiveCodes {
        _ = list.subtract(CodeList(system, .some(inactive)))
      }
      lists.append(list)
    }
    for imported in part["valueSet"]?.elements ?? [] {
      guard let url = imported.string else { continue }
      lists.append(try codes(ofValueSet: url))
    }
    guard var list = lists.first else {
      throw Fault(
        .invalid, "The value set '\(valueSet.excerpt)' has a part that names neither a system nor a value set.",
        code: "not-supported")
    }
    for other in lists.dropFirst() { list.formIntersection(other) }
    return list
  }

  private func selection(_ part: JSONValue, of system: Canonical, _ valueSet: Canonical) throws -> CodeList.Codes {
    if let listed = part["concept"]?.elements, !listed.isEmpty {
      return .some(Set(listed.compactMap { $0["code"]?.string }))
    }
    let concepts = try self.concepts(of: system)
    let filters = part["filter"]?.elements ?? []
    guard !filters.isEmpty else {
      // A whole system that is not here, or is large, needs no list: the search asks for all of its codes.
      guard let concepts, concepts.isComplete, concepts.concepts.count <= limits.searchCodesMax else { return .all }
      return .some(concepts.codes)
    }
    guard let concepts, concepts.isComplete else { throw unlisted(system.excerpt, valueSet) }
    var codes: Set<String>?
    for filter in filters {
      guard let filter = ConceptFilter(filter), let chosen = filter.codes(in: concepts) else {
        throw Fault(
          .invalid,
          "The value set '\(valueSet.excerpt)' has a filter that is not supported: '\(filter["property"]?.string ?? "")' "
            + "'\(filter["op"]?.string ?? "")'.", code: "not-supported")
      }
      codes = codes?.intersection(chosen) ?? chosen
    }
    return .some(codes ?? [])
  }

  private func unlisted(_ system: String, _ valueSet: Canonical) -> Fault {
    Fault(
      .invalid,
      "The value set '\(valueSet.excerpt)' chooses codes of '\(Canonical(system).excerpt)', which is not stored here with "
        + "all its concepts.", code: "not-found")
  }

  // MARK: expansion

  /// Parameters that say that an expansion is a part of the value set, or another one.
  private static let partial: Set<String> = ["filter", "offset", "count", "date", "limitedExpansion"]
  private static let partialExtensions: Set<String> = [
    "http://hl7.org/fhir/StructureDefinition/valueset-toocostly",
    "http://hl7.org/fhir/StructureDefinition/valueset-unclosed",
  ]

  /// The codes of a stored expansion, nil unless it is a whole one.
  private static func listed(_ expansion: JSONValue) -> CodeList? {
    let parameters = expansion["parameter"]?.elements ?? []
    let extensions = expansion["extension"]?.elements ?? []
    guard (expansion["offset"]?.integer ?? 0) == 0,
      !parameters.contains(where: { partial.contains($0["name"]?.string ?? "") }),
      !extensions.contains(where: {
        partialExtensions.contains($0["url"]?.string ?? "") && $0["valueBoolean"]?.bool != false
      })
    else { return nil }
    var list = CodeList()
    var count = 0
    var waiting = expansion["contains"]?.elements ?? []
    while let entry = waiting.popLast() {
      waiting += entry["contains"]?.elements ?? []
      count += 1
      if let code = entry["code"]?.string { list.insert(code, of: entry["system"]?.string ?? "") }
    }
    return count >= expansion["total"]?.integer ?? 0 && count > 0 ? list : nil
  }
}
