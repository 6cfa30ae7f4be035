public import Base

/// What a request for the change feed asks for (Microsoft's; the standard's form has that of v2).
public enum ChangeFeedRequest: Hashable, Sendable {
  /// v1: the changes with sequence numbers from `offset` + 1 to `offset` + `limit`.
  case sequence(offset: Int, limit: Int)
  /// v2: of the changes from `start` on and before `end`, those after the first `offset`, at most `limit`.
  case window(start: Instant?, end: Instant?, offset: Int, limit: Int)

  /// The most changes of one answer in v1 and v2.
  public static let limitMaxV1 = 100
  public static let limitMaxV2 = 200

  /// - Throws: `.invalid` for numbers out of their range, times without a zone, and a window that ends before it
  ///   begins.
  public init(_ parameters: QueryParameters, _ version: DICOMVersion) throws(Fault) {
    let offset = try PagingParameters.number("Offset", in: 0...Int.max, default: 0, parameters)
    if version == .v1 {
      let limit = try PagingParameters.number("Limit", in: 1...Self.limitMaxV1, default: 10, parameters)
      self = .sequence(offset: offset, limit: limit)
      return
    }
    let limit = try PagingParameters.number("Limit", in: 1...Self.limitMaxV2, default: 100, parameters)
    let start = try Self.time("StartTime", parameters)
    let end = try Self.time("EndTime", parameters)
    if let start, let end, end <= start {
      throw Fault(
        .invalid,
        "The query parameter 'EndTime' is invalid. The start time '\(start.fhir)' must occur strictly before the end time "
          + "'\(end.fhir)'.")
    }
    self = .window(start: start, end: end, offset: offset, limit: limit)
  }

  /// Whether entries have their instances' metadata.
  public static func includesMetadata(_ parameters: QueryParameters) throws(Fault) -> Bool {
    try PagingParameters.bool("IncludeMetadata", default: true, parameters)
  }

  private static func time(_ name: String, _ parameters: QueryParameters) throws(Fault) -> Instant? {
    guard let text = parameters[name], !text.allSatisfy({ $0 == " " }) else { return nil }
    switch ZonedTime.read(text) {
    case .time(let instant): return instant
    case .withoutZone:
      throw Fault(
        .invalid, "The query parameter '\(name)' is invalid. Date and time value must specify a time zone.")
    case .none: throw PagingParameters.notValid(text, name)
    }
  }
}

/// Times of ISO 8601 with a zone: `2023-05-03T10:00:00.123Z`, `…+02:00`.
enum ZonedTime {
  case time(Instant)
  case withoutZone

  /// Nil for what is no time. A `+` of a zone may have become a space, as in forms.
  static func read(_ text: String) -> ZonedTime? {
    var bytes = Array(text.utf8)[...]
    guard let year = digits(&bytes, 4), skip(&bytes, "-"), let month = digits(&bytes, 2), skip(&bytes, "-"),
      let day = digits(&bytes, 2), (1...12).contains(month), (1...31).contains(day), year > 0
    else { return nil }
    // A day that its month does not have.
    let civil = Instant.civil(days: Instant.days(year: year, month: month, day: day))
    guard civil.day == day else { return nil }
    var milliseconds = 0
    if skip(&bytes, "T") || skip(&bytes, "t") || skip(&bytes, " ") {
      guard let time = clock(&bytes) else { return nil }
      milliseconds = time
    }
    guard let offset = zone(&bytes) else { return bytes.isEmpty ? .withoutZone : nil }
    guard bytes.isEmpty else { return nil }
    let days = Int64(Instant.days(year: year, month: month, day: day))
    return .time(Instant(milliseconds: days * 86_400_000 + Int64(milliseconds) - Int64(offset) * 60_000))
  }

  private static func clock(_ bytes: inout ArraySlice<UInt8>) -> Int? {
    guard let hour = digits(&bytes, 2), skip(&bytes, ":"), let minute = digits(&bytes, 2), hour < 24, minute < 60 else {
      return nil
    }
    var milliseconds = (hour * 60 + minute) * 60_000
    guard skip(&bytes, ":") else { return milliseconds }
    guard let second = digits(&bytes, 2), second < 60 else { return nil }
    milliseconds += second * 1_000
    guard skip(&bytes, ".") || skip(&bytes, ",") else { return milliseconds }
    var unit = 100
    var count = 0
    while let byte = bytes.first, byte &- 48 < 10 {
      milliseconds += Int(byte - 48) * unit
      unit /= 10
      count += 1
      bytes.removeFirst()
    }
    return count > 0 ? milliseconds : nil
  }

  /// Minutes east of Greenwich; nil if there is no zone.
  private static func zone(_ bytes: inout ArraySlice<UInt8>) -> Int? {
    if skip(&bytes, "Z") || skip(&bytes, "z") { return 0 }
    let isWest = bytes.first == UInt8(ascii: "-")
    guard skip(&bytes, "+") || skip(&bytes, " ") || skip(&bytes, "-") else { return nil }
    guard let hours = digits(&bytes, 2), hours <= 14 else { return nil }
    _ = skip(&bytes, ":")
    let minutes = bytes.isEmpty ? 0 : digits(&bytes, 2)
    guard let minutes, minutes < 60 else { return nil }
    return (hours * 60 + minutes) * (isWest ? -1 : 1)
  }

  private static func digits(_ bytes: inout ArraySlice<UInt8>, _ count: Int) -> Int? {
    guard bytes.count >= count else { return nil }
    var value = 0
    for byte in bytes.prefix(count) {
      guard byte &- 48 < 10 else { return nil }
      value = value * 10 + Int(byte - 48)
    }
    bytes = bytes.dropFirst(count)
    return value
  }

  private static func skip(_ bytes: inout ArraySlice<UInt8>, _ byte: Unicode.Scalar) -> Bool {
    guard let first = bytes.first, UInt32(first) == byte.value else { return false }
    bytes.removeFirst()
    return true
  }
}
