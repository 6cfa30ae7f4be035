import Base
import FHIRService
import Testing

/// Joins as deep as the grammar allows, and conditions as nested as a filter can be (FHIR R4 search#chaining, search#has,
/// search_filter).
@Suite struct DeepJoinTests {
  private static let depth = Limits().searchChainDepthMax

  /// Organizations 0 to 12, each a part of the one before; the last ones are inactive.
  private static func withOrganizations(_ body: (TestService) async throws -> Void) async throws {
    try await withService { service in
      for number in 0...12 {
        let parent = number == 0 ? "" : #","partOf":{"reference":"Organization/\#(number - 1)"}"#
        let json = """
          {"resourceType":"Organization","id":"\(number)","name":"n\(number)","active":\(number < 11)\(parent)}
          """
        #expect(try await service.send(.put, "Organization/\(number)", json).status == 201)
      }
      try await body(service)
    }
  }

  private static func expect(_ service: TestService, _ query: String, _ ids: [Int]) async throws {
    let began = ContinuousClock.now
    let reply = try await service.send(.get, query)
    #expect(reply.status == 200, "\(query): \(reply.text)")
    #expect(reply.ids.compactMap { Int($0) }.sorted() == ids, "\(query)")
    #expect(ContinuousClock.now - began < .seconds(5), "\(query)")
  }

  @Test func chains() async throws {
    try await Self.withOrganizations { service in
      let chain = String(repeating: "partof:Organization.", count: Self.depth)
      let untyped = String(repeating: "partof.", count: Self.depth)
      let reverse = String(repeating: "_has:Organization:partof:", count: Self.depth)
      try await Self.expect(service, "Organization?\(chain)name=n0", [10])
      try await Self.expect(service, "Organization?\(untyped)name=n0", [10])
      try await Self.expect(service, "Organization?\(chain)_id=2", [12])
      try await Self.expect(service, "Organization?\(reverse)name=n12", [2])
      try await Self.expect(service, "Organization?\(reverse)name:exact=n11", [1])
      try await Self.expect(service, "Organization?\(chain)active:not=false", [10, 11, 12])
      try await Self.expect(service, "Organization?\(chain)partof:missing=true", [10])
      try await Self.expect(service, "Organization?\(chain)name=n&_sort=-name&_total=accurate", [10, 11, 12])
      // Tested beside what leads, and led.
      try await Self.expect(service, "Organization?_id=10&\(chain)name=n0", [10])
      try await Self.expect(service, "Organization?_id=10&\(chain)name=n1", [])
      try await Self.expect(service, "Organization?_id=1,2&\(reverse)active:not=true", [1, 2])
      try await Self.expect(service, "Organization?\(chain)name=n0&\(chain)active=true&name=n1", [10])
      let mixed = String(repeating: "partof:Organization._has:Organization:partof:", count: Self.depth / 2)
      try await Self.expect(service, "Organization?\(mixed)name=n3", [3])
      try await Self.expect(service, "Organization?_id=3,4&\(mixed)name=n3", [3])
      try await Self.expect(service, "Organization?\(mixed)active:not=true", [11, 12])
      for step in ["partof:Organization.", "_has:Organization:partof:"] {
        let reply = try await service.send(.get, "Organization?\(step)\(chain)name=n0")
        #expect(reply.status == 400)
      }
    }
  }

  /// The worst that the filter's grammar takes: no shape of it is too much for the engine.
  @Test func filters() async throws {
    try await Self.withOrganizations { service in
      func escaped(_ text: String) -> String { text.replacing(" ", with: "%20") }
      var deepest = 0
      for floors in 1...40 {
        let text = (0..<floors).reduce("name eq n2") { inner, floor in
          floor % 2 == 0 ? "name eq n1 or (active eq true and (\(inner)))" : "not (not (\(inner)))"
        }
        let reply = try await service.send(.get, "Organization?_filter=\(escaped(text))")
        guard reply.status == 200 else {
          #expect(reply.status == 400 && reply.text.contains("too-costly"), "\(reply.text)")
          break
        }
        #expect(reply.ids.sorted() == ["1", "2"], "\(floors)")
        deepest = floors
      }
      #expect(deepest > 10)
      // Joins within joins, two at each place.
      for joins in 1...6 {
        let both = (0..<joins).reduce("name eq n0") { inner, _ in
          "partof[\(inner)].name co n and partof[\(inner)].name co n"
        }
        try await Self.expect(service, "Organization?_filter=\(escaped(both))", [joins])
        let either = (0..<joins).reduce("name eq n0") { inner, _ in
          "partof[\(inner)].name co n or not (partof[active eq true or \(inner)].name co n)"
        }
        try await Self.expect(service, "Organization?_id=\(joins),12&_filter=\(escaped(either))", [joins, 12])
      }
    }
  }
}
