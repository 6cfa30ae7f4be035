import FHIRModel
import Testing

@Suite struct FHIRReferenceTests {
  @Test(arguments: [
    ("#p1", "contained id=p1"), ("#", "contained id="), ("Patient/034AB16", "relative type=Patient id=034AB16"),
    ("Patient/1/_history/2", "relative type=Patient id=1 version=2"),
    (
      "http://fhir.hl7.org/svc/StructureDefinition/c8973a22",
      "absolute base=http://fhir.hl7.org/svc type=StructureDefinition id=c8973a22"
    ),
    ("https://a.b/Patient/1/_history/v2", "absolute base=https://a.b type=Patient id=1 version=v2"),
    ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "urn id=c757873d-ec9a-4326-a141-556f43239520"),
    ("urn:oid:1.2.3.4", "urn id=1.2.3.4"), ("Patient?identifier=s|1", "conditional type=Patient query=identifier=s|1"),
    ("http://a/ValueSet/x|1.0#f", "canonical base=http://a/ValueSet/x version=1.0 fragment=f"),
    ("http://a/ValueSet/x#f", "canonical base=http://a/ValueSet/x fragment=f"),
    ("urn:uuid:c757873d|2", "canonical base=urn:uuid:c757873d version=2"), ("ijk", "logicalID id=ijk"),
    ("http://a.org/some-url", "other"), ("", "other"), ("/", "other"), ("Patient/", "other"), ("/Patient/1", "other"),
    ("patient/1", "other"), ("Patient/1/2", "other"), ("Patient/a b", "other"), ("Foo/1", "other"), ("?a=b", "other"),
    ("Foo?a=b", "other"), ("Patient/1/_history/", "other"), ("Patient/1/_history/a$", "other"), ("#a b", "other"),
    ("HumanName/1", "other"), ("_history/1", "other"), ("http://Patient/1", "other"), ("http:/", "other"),
    ("Patient/" + String(repeating: "a", count: 65), "other"),
  ])
  func reads(_ text: String, _ parts: String) {
    let reference = FHIRReference(text, schema: .r4)
    var found = "\(reference.kind)"
    for (name, part) in [
      ("base", reference.base), ("type", reference.type), ("id", reference.id), ("version", reference.version),
      ("fragment", reference.fragment), ("query", reference.query),
    ] {
      if let text = FHIRReference.text(part, of: text) { found += " \(name)=\(text)" }
    }
    #expect(found == parts)
    if reference.kind == .relative || reference.kind == .absolute || reference.kind == .conditional {
      #expect(reference.typeID.map { Schema.r4.name($0) } == FHIRReference.text(reference.type, of: text))
    }
  }

  @Test func withoutASchemaAnyWordIsAType() {
    #expect(FHIRReference("Foo/1").kind == .relative)
    #expect(FHIRReference("Foo/1").typeID == nil)
    #expect(FHIRReference("foo/1").kind == .other)
    #expect(FHIRReference("Patient/" + String(repeating: "a", count: 64)).kind == .relative)
  }
}
