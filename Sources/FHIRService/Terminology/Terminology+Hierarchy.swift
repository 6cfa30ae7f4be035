import Base
import FHIRModel
import FHIRSearch
import FHIRStore

extension Terminology {
  enum Direction { case above, below }

  /// A code with all that it subsumes, or that subsume it (FHIR R4 search §2.1.1.4.10 `:below`, `:above`).
  /// - Throws: `.invalid` where the code system is not known with all its concepts.
  func branch(_ direction: Direction, _ code: String, of system: String) throws -> CodeList {
    guard let concepts = try concepts(of: Canonical(system)) else {
      // Code systems of the standard's own that are not stored have no hierarchy that is known here.
      if isStandard(system) { return CodeList(system, .some([code])) }
      throw unknown(system)
    }
    guard concepts.isComplete else { throw unknown(system) }
    return CodeList(system, .some(Self.branch(direction, code, of: concepts).union([code])))
  }

  /// The same for a code without its system: in each of the systems that it may be of and that have it.
  func branches(_ direction: Direction, _ code: String, ofAny systems: [String]) throws -> CodeList {
    var list = CodeList()
    for system in systems {
      guard let concepts = try concepts(of: Canonical(system)), concepts.isComplete else { continue }
      list.formUnion(CodeList(system, .some(Self.branch(direction, code, of: concepts))))
    }
    return list
  }

  private static func branch(_ direction: Direction, _ code: String, of concepts: CodeSystemConcepts) -> Set<String> {
    direction == .below ? concepts.branch(below: code) : concepts.branch(above: code)
  }

  private func unknown(_ system: String) -> Fault {
    Fault(
      .invalid,
      "The code system '\(Canonical(system).excerpt)' is not stored here with all its concepts, so that it is not known "
        + "what is above or below a code.", code: "not-found")
  }
}
