public import FHIRModel

/// What must hold of a resource: a condition on what it says itself, on what it is linked with, or several of them.
public indirect enum SearchCriterion: Sendable {
  /// One of the resource's own parameters.
  case condition(SearchCondition)
  /// `subject:Patient.name=…`: what a reference of the resource leads to (FHIR R4 search#chaining).
  case chain(SearchChain)
  /// `_has:Observation:patient:code=…`: what refers to the resource (FHIR R4 search#has).
  case reverseChain(SearchReverseChain)
  /// `_not-referenced`: no current resource refers to it under any of these parameters.
  case notReferenced([SearchParameter], base: String?)
  /// The resource is of one of these types: `_type` inside a chain.
  case types([Schema.TypeID])
  /// `_text`, `_content` (FHIR R4 search#content).
  case fullText(FullTextCondition)
  /// All hold; an empty list holds.
  case all([SearchCriterion])
  /// One holds at least; an empty list does not.
  case any([SearchCriterion])
  case not(SearchCriterion)
}

/// A reference followed: one of its targets must satisfy all criteria of the target's type.
public struct SearchChain: Sendable {
  public struct Target: Sendable {
    public let type: Schema.TypeID
    public let criteria: [SearchCriterion]

    public init(type: Schema.TypeID, criteria: [SearchCriterion]) {
      self.type = type
      self.criteria = criteria
    }
  }

  /// The reference parameter, as each searched type has it.
  public let parameters: [SearchParameter]
  public let targets: [Target]
  /// The service's address; see `SearchQuery.base`.
  public let base: String?

  public init(parameters: [SearchParameter], targets: [Target], base: String?) {
    self.parameters = parameters
    self.targets = targets
    self.base = base
  }
}

/// A reference followed backwards: a resource of another type refers here and satisfies all criteria.
public struct SearchReverseChain: Sendable {
  /// The reference parameter of the type that refers.
  public let parameter: SearchParameter
  public let criteria: [SearchCriterion]
  /// The service's address; see `SearchQuery.base`.
  public let base: String?

  public init(parameter: SearchParameter, criteria: [SearchCriterion], base: String?) {
    self.parameter = parameter
    self.criteria = criteria
    self.base = base
  }
}

/// A full-text condition on the narrative (`_text`) or on all text of a resource (`_content`).
public struct FullTextCondition: Sendable, Hashable {
  public enum Field: Sendable { case narrative, content }

  /// Words with OR between the alternatives; all words of an alternative must occur, a quoted phrase in its order.
  public struct Alternative: Sendable, Hashable {
    /// Each a word or, with more than one word, a phrase.
    public let phrases: [[String]]

    public init(phrases: [[String]]) { self.phrases = phrases }
  }

  public let field: Field
  public let alternatives: [Alternative]

  public init(field: Field, alternatives: [Alternative]) {
    self.field = field
    self.alternatives = alternatives
  }
}
