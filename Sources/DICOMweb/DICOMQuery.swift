public import DICOMCore

/// A search (QIDO-RS, PS3.18 §10.6), read, checked and normalised.
public struct DICOMQuery: Sendable {
  public let scope: SearchScope
  /// All of them have to be met. Only a key of which an entity has several values is in several of them (PS3.4
  /// C.2.2.2.8).
  public let conditions: [Condition]
  /// The attributes of an answer.
  public let matchSet: MatchSet
  /// Matches on the page.
  public let limit: Int
  /// Matches in front of the page.
  public let offset: Int
  /// For the client, as texts of `Warning` headers.
  public let warnings: [String]
  /// The address that RetrieveURLs begin with, without a slash at its end; nil if none was given.
  public var retrieveRoot: String?

  public init(
    _ scope: SearchScope, conditions: [Condition], matchSet: MatchSet, limit: Int, offset: Int, warnings: [String] = []
  ) {
    self.scope = scope
    self.conditions = conditions
    self.matchSet = matchSet
    self.limit = limit
    self.offset = offset
    self.warnings = warnings
  }

  public enum Condition: Hashable, Sendable {
    case match(SearchKey, Match)
    /// A date and a time that are ranges, taken together as one range of moments (PS3.4 C.2.2.2.5.2): both ends
    /// included.
    case combined(date: SearchKey, time: SearchKey, low: Moment?, high: Moment?)
  }

  /// How a value is matched (PS3.4 C.2.2.2).
  public enum Match: Hashable, Sendable {
    /// A text without padding at its end: the case does not matter, nor, in names, do accents. Never empty.
    case text(String)
    /// A text with `*` (any characters, also none) and `?` (one character); compared as `text`.
    case wildcard(String)
    /// Every word is the beginning of a word of the name. `^` and `=` separate words as spaces do. Never empty.
    case words([String])
    /// One of these.
    case uids([UID])
    /// A number of VR IS.
    case number(Int)
    /// Dates as yyyymmdd, times as microseconds since midnight; both ends included, one of them may be open.
    case range(low: Int?, high: Int?)
    /// Without a value (PS3.4 C.2.2.2.7).
    case empty
  }

  /// A date with a time.
  public struct Moment: Hashable, Sendable {
    /// yyyymmdd
    public let date: Int
    /// Microseconds since midnight.
    public let time: Int

    public init(date: Int, time: Int) {
      self.date = date
      self.time = time
    }
  }
}

/// How many matches a search gives at once.
public struct SearchLimits: Sendable, Equatable {
  /// Where a request does not say.
  public var resultsDefault = 100
  /// Microsoft's versions refuse more, the standard's gives as many.
  public var resultsMax = 200
  /// The standard form's most.
  public var standardResultsMax = 1_000
  /// UIDs of one list.
  public var uidsMax = 1_000
  /// Attributes that `includefield` names.
  public var includesMax = 500
  /// Bytes of a value that is searched for.
  public var valueBytesMax = 1_024

  public init() {}
}
