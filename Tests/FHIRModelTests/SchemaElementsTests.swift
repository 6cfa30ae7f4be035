import FHIRModel
import Testing

@Suite("Schema R4: elements")
struct SchemaElementsTests {
  let schema = Schema.r4

  func found(_ type: String, _ key: String) throws -> (element: Schema.Element, type: String)? {
    schema.element(try #require(schema.type(type)), key: key).map { (schema[$0.element], schema.name($0.type)) }
  }

  @Test(
    "a JSON member name means an element and a type",
    arguments: [
      ("Observation", "valueQuantity", "Observation.value[x]", "Quantity"),
      ("Observation", "valueDateTime", "Observation.value[x]", "dateTime"),
      ("Patient", "deceasedBoolean", "Patient.deceased[x]", "boolean"),
      ("Patient", "multipleBirthInteger", "Patient.multipleBirth[x]", "integer"),
      ("Patient", "id", "Patient.id", "id"),
      ("Patient", "meta", "Patient.meta", "Meta"),
      ("Patient", "contained", "Patient.contained", "Resource"),
      ("Patient", "modifierExtension", "Patient.modifierExtension", "Extension"),
      ("Patient", "contact", "Patient.contact", "Patient.contact"),
      ("Patient.contact", "id", "Patient.contact.id", "string"),
      ("Bundle", "entry", "Bundle.entry", "Bundle.entry"),
      ("Bundle.entry", "resource", "Bundle.entry.resource", "Resource"),
      ("Bundle.entry", "link", "Bundle.entry.link", "Bundle.link"),
      ("Parameters.parameter", "resource", "Parameters.parameter.resource", "Resource"),
      ("Parameters.parameter", "part", "Parameters.parameter.part", "Parameters.parameter"),
      ("Parameters.parameter", "valueSampledData", "Parameters.parameter.value[x]", "SampledData"),
      ("Questionnaire.item", "item", "Questionnaire.item.item", "Questionnaire.item"),
      ("Observation.component", "referenceRange", "Observation.component.referenceRange", "Observation.referenceRange"),
      (
        "QuestionnaireResponse.item.answer", "item", "QuestionnaireResponse.item.answer.item",
        "QuestionnaireResponse.item"
      ),
      ("Extension", "url", "Extension.url", "uri"),
      ("Extension", "valueMeta", "Extension.value[x]", "Meta"),
      ("Narrative", "div", "Narrative.div", "xhtml"),
      ("Age", "comparator", "Age.comparator", "code"),
      ("ElementDefinition", "patternCodeableConcept", "ElementDefinition.pattern[x]", "CodeableConcept"),
      ("date", "extension", "date.extension", "Extension"),
      ("date", "id", "date.id", "string"),
      ("date", "value", "date.value", "System.Date"),
      ("Timing.repeat", "boundsPeriod", "Timing.repeat.bounds[x]", "Period"),
    ])
  func keys(owner: String, key: String, path: String, type: String) throws {
    let result = try #require(try found(owner, key))
    #expect(result.element.path == path)
    #expect(result.type == type)
  }

  @Test(
    "what is no member name is nothing",
    arguments: [
      ("Observation", "value"), ("Observation", "valueAddress"), ("Observation", "valuequantity"),
      ("Observation", "resourceType"), ("Patient", "_birthDate"), ("Patient", ""), ("Patient", "birthDatee"),
      ("Patient", "birthDat"), ("Patient", "deceased[x]"), ("Bundle", "extension"), ("Bundle", "contained"),
      ("Binary", "text"), ("Timing.repeat", "modifierExtension"), ("HumanName", "modifierExtension"),
      ("Patient", "\u{0}"), ("System.String", "id"),
    ])
  func unknownKeys(owner: String, key: String) throws {
    #expect(try found(owner, key) == nil)
  }

  @Test("FHIRPath's name of a choice is the bare one")
  func names() throws {
    let observation = try #require(schema.type("Observation"))
    let value = try #require(schema.element(observation, name: "value"))
    #expect(
      schema[value].types.map { schema.name($0.type) } == [
        "Quantity", "CodeableConcept", "string", "boolean", "integer", "Range", "Ratio", "SampledData", "time",
        "dateTime",
        "Period",
      ])
    #expect(schema[value].types.first?.key.string == "valueQuantity")
    #expect(schema.element(observation, name: "valueQuantity") == nil)
    let status = try #require(schema.element(observation, name: "status"))
    #expect(schema[status].name == "status")
    #expect(schema.element(observation, name: "nothing") == nil)
  }

  @Test("elements stand in the order of the definition, inherited ones first")
  func order() throws {
    let elements = schema.elements(try #require(schema.type("Patient")))
    #expect(
      elements.map(\.name) == [
        "id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension", "identifier",
        "active", "name", "telecom", "gender", "birthDate", "deceased", "address", "maritalStatus", "multipleBirth",
        "photo",
        "contact", "communication", "generalPractitioner", "managingOrganization", "link",
      ])
    #expect(elements.allSatisfy { schema[$0.id].path == $0.path })
    #expect(
      schema.elements(try #require(schema.type("Patient.contact"))).prefix(4).map(\.name) == [
        "id", "extension", "modifierExtension", "relationship",
      ])
  }

  @Test("cardinality, summary, modifier, targets, binding")
  func facts() throws {
    let status = try #require(try found("Observation", "status")).element
    #expect(status.min == 1 && status.max == 1 && !status.isArray && status.isSummary && status.isModifier)
    #expect(status.binding.map { schema.codes($0).url } == "http://hl7.org/fhir/ValueSet/observation-status")
    let category = try #require(try found("Observation", "category")).element
    #expect(category.min == 0 && category.max == Int.max && category.isArray && !category.isSummary)
    // Its binding is `preferred`, which forbids nothing.
    #expect(category.binding == nil)
    let subject = try #require(try found("Observation", "subject")).element
    #expect(subject.types.flatMap { $0.targets.map(schema.name) } == ["Patient", "Group", "Device", "Location"])
    let focus = try #require(try found("Observation", "focus")).element
    #expect(focus.types.first?.targets.isEmpty == true)
    let canonical = try #require(try found("CarePlan", "instantiatesCanonical")).element
    #expect(canonical.types.first.map { schema.name($0.type) } == "canonical")
    #expect(canonical.types.first?.targets.count == 5)
    let forbidden = try #require(try found("xhtml", "extension")).element
    #expect(forbidden.max == 0)
    let link = try #require(try found("Patient.link", "other")).element
    #expect(link.min == 1)
  }

  @Test("every element of every type is found by each of its member names")
  func allKeys() {
    var count = 0
    for type in schema.allTypes {
      for element in schema.elements(type) {
        #expect(!element.types.isEmpty)
        for reference in element.types {
          let found = schema.element(type, key: reference.key.utf8)
          #expect(found?.element == element.id && found?.type == reference.type)
          count += 1
        }
      }
    }
    #expect(count > 8_000)
  }

  @Test("look-ups take nanoseconds (printed)")
  func time() throws {
    let observation = try #require(schema.type("Observation"))
    let keys = ["status", "valueQuantity", "effectiveDateTime", "resourceTyp", "code"].map { Array($0.utf8) }
    var hits = 0
    let rounds = 200_000
    let elapsed = ContinuousClock().measure {
      for _ in 0..<rounds {
        for key in keys {
          hits += key.withUnsafeBufferPointer { schema.element(observation, key: $0) } == nil ? 0 : 1
        }
      }
    }
    #expect(hits == rounds * 4)
    print("Schema.element(_:key:): \(elapsed / (rounds * keys.count)) each")
  }
}
