import JSONCore
import Testing

/// A sample of each resource type goes in, comes out in both forms, and goes (sample files of microsoft/fhir-server,
/// MIT licence).
@Suite struct EveryTypeCases {
  private static let folder = "ms-fhir-server/TestFiles/R4"
  /// Files that are no sample of a type, or of a bundle that is to be carried out.
  private static let others: Set<String> = ["InvalidCompartmentDefinition.json", "ResourceWrapperNoVersion.json"]

  static let files = SampleFile.names(in: folder).filter { name in
    name.hasSuffix(".json") && !name.hasSuffix(".indexes.json") && !others.contains(name)
      && !name.hasPrefix("Bundle-") && !name.hasPrefix("Smart")
  }

  /// Samples that break the standard's own rules and are refused (compatibility.md, "structure").
  static let flaws: [String: (expression: String, code: String)] = [
    // Its narrative ends before its elements do.
    "plandefinition-example.json": ("PlanDefinition.text.div", "invariant"),
    // Questionnaire.item.linkId is 1..1.
    "medicinalproductcontraindication-questionnaire.json": ("Questionnaire.item[0].item[0].linkId", "required"),
    "practitionerrole-questionnaire.json": ("Questionnaire.item[0].item[0].linkId", "required"),
    "specimendefinition-questionnaire.json": ("Questionnaire.item[0].item[0].linkId", "required"),
  ]

  @Test(
    .enabled(if: SampleFile.has(folder), "needs data set ms-fhir-server"), arguments: Form.allCases)
  func everyTypeIsTaken(form: Form) async throws {
    var types: Set<String> = []
    try await FormClient.run(form) { client in
      for file in Self.files {
        let text = try SampleFile.text("\(Self.folder)/\(file)")
        let type = try #require(try JSONDocument(text).value["resourceType"]?.string)
        let created = try await client.post("/\(type)", text)
        if let flaw = Self.flaws[file] {
          // What is not well-formed has no XML form.
          if form == .xml && flaw.code == "invariant" { continue }
          let issues = try created.expectOutcome(400, file)["issue"]
          #expect(issues.contains { $0.text("expression") == flaw.expression && $0.text("code") == flaw.code })
          continue
        }
        guard created.status == 201 else {
          Testing.Issue.record("\(file): \(created.text.prefix(400))")
          continue
        }
        types.insert(type)
        let resource = try created.expectVersion(201, 1, file)
        let id = try #require(resource.text("id"))
        // The other form says the same.
        let other: Form = form == .json ? .xml : .json
        let read = try await FormClient(live: client.live, form: other).get("/\(type)/\(id)")
        #expect(try read.element().canonical == resource.canonical, "\(file)")
        #expect(try await client.delete("/\(type)/\(id)").status == 204, "\(file)")
        #expect(try await client.get("/\(type)/\(id)").status == 410, "\(file)")
      }
    }
    #expect(types.count > 125)
  }
}
