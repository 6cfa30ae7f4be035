import Base
import FHIRModel
import FHIRPath
import Foundation
import JSONCore
import Testing

@testable import FHIRSearch

@Suite struct ReleaseTests {
  @Test(arguments: ["3.0", "4.0", "4.3", "5.0"]) func plans(release: String) throws {
    let schema = try #require(Schema.release(release))
    var numbers: [SearchParameters.Name: Int32] = [:]
    for name in SearchParameters.names(schema) { numbers[name] = Int32(numbers.count + 1) }
    let parameters = SearchParameters(schema, numbers: numbers)
    var none: [String] = []
    for type in schema.resourceTypes {
      for parameter in parameters.parameters(type) {
        do {
          if try IndexPlan(parameter, schema) == nil, !parameter.isAnsweredByResource {
            none.append("\(schema.name(type)).\(parameter.code)")
          }
        } catch {
          Issue.record("\(schema.name(type)) \(parameter.code): \(error.message)")
        }
      }
    }
    print("## plans", release, numbers.count, none)
  }
}
