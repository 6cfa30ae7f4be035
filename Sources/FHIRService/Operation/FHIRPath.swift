import Base
import FHIRSearch

extension FHIRService {
  func fhirPath(_ query: QueryString, _ call: Call) throws -> Answer {
    throw Fault(.unsupported, "x")
  }
}
