import FHIRModel
import Testing

@Suite("Schema R4: types")
struct SchemaTypesTests {
  let schema = Schema.r4

  @Test("R4 has 146 concrete resource types, sorted by name")
  func resourceTypes() {
    let names = schema.resourceTypes.map(schema.name)
    #expect(schema.fhirVersion == "4.0.1")
    #expect(names.count == 146)
    #expect(names == names.sorted())
    #expect(names.first == "Account" && names.last == "VisionPrescription")
    #expect(!names.contains("DomainResource") && !names.contains("Resource"))
  }

  @Test("types are found by name, and others are not")
  func names() throws {
    for name in ["Patient", "HumanName", "Patient.contact", "string", "System.String", "Resource", "xhtml"] {
      let type = try #require(schema.type(name))
      #expect(schema.name(type) == name)
    }
    for name in ["", "patient", "Patientt", "Patien", "Patient.", "Patient.name", "SimpleQuantity", "FiveWs", "🤷"] {
      #expect(schema.type(name) == nil, "\(name)")
    }
    #expect(schema.resourceType("Patient") != nil)
    #expect(schema.resourceType("DomainResource") == nil)
    #expect(schema.resourceType("HumanName") == nil)
    #expect(schema.resourceType("Patient.contact") == nil)
  }

  @Test(
    "kinds and bases",
    arguments: [
      ("Patient", Schema.Kind.resource, false, "DomainResource"), ("Bundle", .resource, false, "Resource"),
      ("DomainResource", .resource, true, "Resource"), ("Patient.contact", .backbone, false, "BackboneElement"),
      ("Timing.repeat", .backbone, false, "Element"), ("Element", .complexType, true, nil),
      ("BackboneElement", .complexType, true, "Element"), ("Dosage", .complexType, false, "BackboneElement"),
      ("Age", .complexType, false, "Quantity"), ("code", .primitive, false, "string"),
      ("positiveInt", .primitive, false, "integer"), ("canonical", .primitive, false, "uri"),
      ("System.Decimal", .system, false, nil),
    ] as [(String, Schema.Kind, Bool, String?)])
  func kinds(name: String, kind: Schema.Kind, isAbstract: Bool, base: String?) throws {
    let type = try #require(schema.type(name))
    #expect(schema.kind(type) == kind)
    #expect(schema.isAbstract(type) == isAbstract)
    #expect(schema.base(type).map(schema.name) == base)
  }

  @Test("the twenty primitives of R4, and nothing else, say which primitive they are")
  func primitives() throws {
    for primitive in Primitive.allCases where primitive != .integer64 {
      let type = try #require(schema.type(primitive.rawValue))
      #expect(schema.primitive(type) == primitive)
    }
    #expect(schema.type("integer64") == nil)
    #expect(schema.primitive(try #require(schema.type("Quantity"))) == nil)
    #expect(schema.primitive(try #require(schema.type("System.String"))) == nil)
    #expect(Primitive.decimal.jsonForm == .number && Primitive.boolean.jsonForm == .boolean)
    #expect(Primitive.instant.jsonForm == .string && Primitive.unsignedInt.jsonForm == .number)
  }

  @Test("subtypes")
  func subtypes() throws {
    func isSubtype(_ a: String, _ b: String) throws -> Bool {
      schema.isSubtype(try #require(schema.type(a)), of: try #require(schema.type(b)))
    }
    #expect(try isSubtype("Patient", "Patient"))
    #expect(try isSubtype("Patient", "DomainResource"))
    #expect(try isSubtype("Patient", "Resource"))
    #expect(try !isSubtype("Bundle", "DomainResource"))
    #expect(try !isSubtype("Resource", "Patient"))
    #expect(try isSubtype("Duration", "Quantity"))
    #expect(try isSubtype("markdown", "Element"))
    #expect(try !isSubtype("Money", "Quantity"))
  }

  @Test("invariants: inherited first; of the type, or of one of its elements")
  func invariants() throws {
    let patient = schema.invariants(try #require(schema.type("Patient")))
    #expect(Set(patient.map(\.key)) == ["dom-2", "dom-3", "dom-4", "dom-5", "dom-6"])
    let contact = schema.invariants(try #require(schema.type("Patient.contact")))
    #expect(contact.map(\.key) == ["ele-1", "pat-1"])
    #expect(
      contact.last?.expression == "name.exists() or telecom.exists() or address.exists() or organization.exists()")
    #expect(contact.last?.severity == .error && contact.last?.element == nil)
    let dom6 = try #require(patient.first { $0.key == "dom-6" })
    #expect(dom6.severity == .warning)
    let organization = schema.invariants(try #require(schema.type("Organization")))
    #expect(organization.first { $0.key == "org-3" }?.element == "telecom")
    #expect(organization.first { $0.key == "org-1" }?.element == nil)
    // `Extension` states ext-1 itself; that elements of this type repeat it says nothing more.
    #expect(!patient.contains { $0.key == "ext-1" || $0.key == "ele-1" })
    #expect(schema.invariants(try #require(schema.type("Extension"))).map(\.key) == ["ele-1", "ext-1"])
  }
}
