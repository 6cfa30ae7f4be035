import FHIRModel
import FHIRPath
import Foundation
import JSONCore
import Testing

/// The expressions of the standard itself.
@Suite struct DefinitionTests {
  @Test func everySearchParameterCompiles() throws {
    var paths = 0
    var total = 0
    for parameter in Schema.r4.searchParameters {
      for expression in [parameter.expression].compactMap({ $0 }) {
        total += 1
        do {
          let program = try FHIRPathProgram(expression, schema: .r4)
          if program.isPath { paths += 1 } else { print("no plain path: \(parameter.url): \(expression)") }
        } catch {
          Issue.record("\(parameter.url): \(expression): \(error.message)")
        }
      }
      for component in parameter.components {
        do {
          _ = try FHIRPathProgram(component.expression, schema: .r4)
        } catch {
          Issue.record("\(parameter.url): \(component.expression): \(error.message)")
        }
      }
    }
    print("FHIRPath: \(paths) of \(total) search parameters are plain paths")
    #expect(total > 1_000)
  }

  /// All types by their elements, from the resources.
  static func allTypes() -> [Schema.TypeID] {
    let schema = Schema.r4
    var seen: Set<Schema.TypeID> = []
    var waiting = schema.resourceTypes
    while let type = waiting.popLast() {
      guard seen.insert(type).inserted else { continue }
      if let base = schema.base(type) { waiting.append(base) }
      for element in schema.elements(type) { waiting += element.types.map(\.type) }
    }
    return seen.sorted()
  }

  @Test func everyInvariantCompiles() throws {
    let schema = Schema.r4
    var seen: Set<String> = []
    for type in Self.allTypes() {
      for invariant in schema.invariants(type) {
        guard let expression = invariant.expression, seen.insert(invariant.key).inserted else { continue }
        do {
          _ = try FHIRPathProgram(expression, schema: schema, context: type)
        } catch {
          Issue.record("\(schema.name(type)) \(invariant.key): \(expression): \(error.message)")
        }
      }
    }
    print("FHIRPath: \(seen.count) invariants compile")
    #expect(seen.count > 200)
  }
}
