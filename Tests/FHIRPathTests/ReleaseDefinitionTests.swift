import FHIRModel
import FHIRPath
import Foundation
import JSONCore
import Testing

/// The expressions of STU3, R4B and R5.
@Suite struct ReleaseDefinitionTests {
  static let releases = ["3.0", "4.3", "5.0"]

  @Test(arguments: releases) func everySearchParameterCompiles(release: String) throws {
    let schema = try #require(Schema.release(release))
    for parameter in schema.searchParameters {
      for expression in [parameter.expression].compactMap({ $0 }) + parameter.components.map(\.expression) {
        do {
          _ = try FHIRPathProgram(expression, schema: schema)
        } catch {
          Issue.record("\(parameter.url): \(expression.prefix(200)): \(error.message)")
        }
      }
    }
  }

  @Test(arguments: releases) func everyInvariantCompiles(release: String) throws {
    let schema = try #require(Schema.release(release))
    for type in schema.allTypes {
      for invariant in schema.invariants(type) {
        guard let expression = invariant.expression else { continue }
        do {
          _ = try FHIRPathProgram(expression, schema: schema, context: type)
        } catch {
          Issue.record("\(schema.name(type)) \(invariant.key): \(expression): \(error.message)")
        }
      }
    }
  }
}
