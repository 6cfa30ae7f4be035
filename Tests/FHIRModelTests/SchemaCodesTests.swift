import FHIRModel
import Testing

@Suite("Schema R4: codes of required bindings")
struct SchemaCodesTests {
  let schema = Schema.r4

  func binding(_ name: String) throws -> Schema.BindingID {
    try #require(schema.binding(valueSet: "http://hl7.org/fhir/ValueSet/\(name)"))
  }

  func allows(_ code: String, _ name: String) throws -> Bool {
    let binding = try binding(name)
    return Array(code.utf8).withUnsafeBufferPointer { schema.allows($0, in: binding) }
  }

  func system(_ code: String, _ name: String) throws -> String? {
    let binding = try binding(name)
    return Array(code.utf8).withUnsafeBufferPointer { schema.system(ofCode: $0, in: binding) }
  }

  @Test("a whole code system")
  func wholeSystem() throws {
    let gender = schema.codes(try binding("administrative-gender"))
    #expect(gender.codes.map(\.code) == ["male", "female", "other", "unknown"])
    #expect(gender.systems == ["http://hl7.org/fhir/administrative-gender"])
    #expect(!gender.isOpen)
    #expect(try allows("male", "administrative-gender"))
    #expect(try !allows("Male", "administrative-gender"))
    #expect(try !allows("", "administrative-gender"))
    #expect(try !allows("males", "administrative-gender"))
    #expect(try system("male", "administrative-gender") == "http://hl7.org/fhir/administrative-gender")
    #expect(try system("robot", "administrative-gender") == nil)
  }

  @Test("a list of concepts out of a code system")
  func conceptList() throws {
    // Task.intent: `unknown` of its own system and eight codes of request-intent.
    let intent = schema.codes(try binding("task-intent"))
    #expect(intent.count == 9)
    #expect(try system("unknown", "task-intent") == "http://hl7.org/fhir/task-intent")
    #expect(try system("order", "task-intent") == "http://hl7.org/fhir/request-intent")
  }

  @Test("children of a hierarchical code system are codes too")
  func hierarchy() throws {
    // event-timing takes v3-TimingEvent's codes, and AllergyIntolerance.clinicalStatus has `resolved` below `inactive`.
    #expect(try allows("resolved", "allergyintolerance-clinical"))
    #expect(try allows("HS", "event-timing"))
    #expect(try allows("MORN.early", "event-timing"))
    #expect(try system("MORN", "event-timing") == "http://hl7.org/fhir/event-timing")
    #expect(try system("ACM", "event-timing") == "http://terminology.hl7.org/CodeSystem/v3-TimingEvent")
  }

  @Test("types and resource types")
  func types() throws {
    #expect(try allows("Patient", "resource-types"))
    #expect(try !allows("HumanName", "resource-types"))
    #expect(try allows("HumanName", "defined-types"))
    #expect(try allows("Any", "all-types"))
    // All resource types of the schema, and no other concrete one.
    for type in schema.resourceTypes { #expect(try allows(schema.name(type), "resource-types")) }
    #expect(schema.codes(try binding("resource-types")).count == 148)
  }

  @Test("value sets whose code systems are elsewhere are open")
  func open() throws {
    for name in ["mimetypes", "currencies", "ucum-units"] {
      #expect(schema.codes(try binding(name)).isOpen)
      #expect(try allows("anything", name))
    }
    #expect(try system("text/plain", "mimetypes") == "urn:ietf:bcp:13")
    let others = schema.bindings.map { schema.codes($0) }.filter(\.isOpen).map(\.url)
    #expect(
      Set(others) == [
        "http://hl7.org/fhir/ValueSet/mimetypes", "http://hl7.org/fhir/ValueSet/currencies",
        "http://hl7.org/fhir/ValueSet/ucum-units", "http://loinc.org/vs/LL379-9",
      ])
    #expect(schema.bindings.map { schema.codes($0) }.allSatisfy { $0.isOpen || $0.count > 0 })
  }
}
