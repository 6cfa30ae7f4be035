import FHIRModel
import Testing

@Suite("Schema: tables that follow the format, and others")
struct SchemaLoaderTests {
  static let small = [
    "F\t9.9", "T\tSystem.String\tsystem", "T\tElement\tabstract complex", "E\tid\t0..1\tSystem.String",
    "T\tstring\tprimitive\tElement\t1", "T\tResource\tabstract resource", "E\tid\t0..1\tstring\tS",
    "T\tThing\tresource\tResource\t1", "E\tvalue[x]\t1..*\tstring Reference(Thing)\tSM\tvs",
    "I\tthg-1\terror\tvalue\thu\tex",
    "T\tReference\tcomplex\tElement\t1", "V\tvs", "C\turn:a\tx\ty z", "P\tThing-a\ta\ta\tstring\tThing\tThing.value",
    "Q\tThing-a\tb", "K\tThing\tthing", "M\tThing\ta b",
  ]

  func schema(_ lines: [String]) throws -> Schema {
    try Schema(table: Array(lines.joined(separator: "\n").utf8))
  }

  @Test("a small table")
  func reads() throws {
    let schema = try schema(Self.small)
    #expect(schema.fhirVersion == "9.9")
    #expect(schema.resourceTypes.map(schema.name) == ["Thing"])
    let thing = try #require(schema.type("Thing"))
    let value = try #require(schema.element(thing, key: "valueReference"))
    #expect(schema[value.element].types.last.map { $0.targets.map(schema.name) } == ["Thing"])
    #expect(schema[value.element].path == "Thing.value[x]")
    #expect(schema.codes(try #require(schema[value.element].binding)).codes.map(\.code) == ["x", "y z"])
    #expect(schema.searchParameters.first?.url == "http://hl7.org/fhir/SearchParameter/Thing-a")
    #expect(schema.compartment("Thing")?.parameters[thing] == ["a", "b"])
  }

  @Test(
    "a damaged line is named, and nothing traps",
    arguments: [
      (2, "T\tSystem.String\tnonsense"), (4, "E\tid\t0..x\tstring"), (4, "E\tid"), (4, "E\tid\t0..1\tUnknown"),
      (4, "E\tid\t99999999999999..1\tstring"), (4, "E\tid\t..\tstring"), (5, "T\tstring\tprimitive\tElement\t7"),
      (5, "T\tstring\tprimitive\tThing\t1"), (5, "T\tunheard\tprimitive\tElement"), (6, "Z\tx"), (6, "T"), (6, ""),
      (9, "E\tvalue[x]\t1..*\tstring\tSM\tnone"), (9, "E\tvalue[x]\t1..*\tstring string"), (9, "E\tid\t0..1\tstring"),
      (9, "E\tv\t1..1\t(Thing)"), (9, "E\tv[x]\t1..1\t(Thing)"), (11, "T\tThing\tresource"),
      (14, "P\tThing-a\ta\ta\tnonsense\tThing"),
      (14, "P\tThing-a\ta\ta\tstring\tNone"), (16, "K\tNone\tthing"), (17, "M\tNone\ta"), (1, "E\tid\t0..1\tThing"),
      (1, "Q\ta\tb"), (1, "C\ta\tb"), (1, "M\tThing\tb"), (1, "I\ta\tb"),
    ])
  func damage(line: Int, text: String) {
    var lines = Self.small
    lines[line - 1] = text
    #expect { try schema(lines) } throws: { ($0 as? SchemaError)?.line == line }
  }

  @Test("an empty table, and one without a version")
  func empty() {
    #expect(throws: SchemaError.self) { try Schema(table: []) }
    #expect(throws: SchemaError.self) { try schema(["T\tSystem.String\tsystem"]) }
  }
}
