public import Base
public import DICOMCore

/// Finds the interaction that a method and a path below a version's address ask for (PS3.18 tables 10.3-1 and 10.1-1,
/// and Microsoft's routes).
public struct DICOMRoute: Sendable {
  public enum Method: String, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
  }

  public let interaction: DICOMInteraction
  /// The partition that the path names; nil where there are none.
  public let partition: String?

  /// Frames that one request may ask for.
  public static let framesMax = 10_000
  /// Characters of a partition's name.
  public static let partitionCharactersMax = 64

  /// - Parameters:
  ///   - path: the segments below the version (or below the service, where the path has no version), percent-decoded.
  ///   - hasPartitions: whether the service has data partitions, so that instances are below `partitions/{name}` only.
  /// - Throws: `.notFound` for a path that is no route, `.methodNotAllowed` for a route with other methods, `.invalid`
  ///   for a UID, partition or list of frames that is none.
  public init(
    _ method: Method, _ path: [String], parameters: QueryParameters = QueryParameters(), hasPartitions: Bool = false
  ) throws(Fault) {
    var path = path[...]
    while path.last?.isEmpty == true { path.removeLast() }
    var partition: String?
    if path.first == "partitions", path.count > 1 {
      guard hasPartitions else { throw Fault(.invalid, "Data partitions feature is disabled.") }
      partition = try Self.partition(path[path.startIndex + 1])
      path = path.dropFirst(2)
    }
    interaction = try Self.interaction(method, path, parameters)
    self.partition = partition
    if hasPartitions, interaction.isPartitioned, partition == nil {
      throw Fault(.invalid, "PartitionName value is missing in the route segment.")
    }
    if partition != nil, !interaction.isPartitioned, interaction != .capabilities { throw Self.notFound }
  }

  static let notFound = Fault(.notFound, "There is nothing at this address.")

  private static func notAllowed(_ method: Method) -> Fault {
    Fault(.methodNotAllowed, "This address does not take \(method.rawValue).")
  }

  private static func partition(_ name: String) throws(Fault) -> String {
    let isName = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isName, !name.isEmpty, name.utf8.count <= partitionCharactersMax else {
      throw Fault(.invalid, "The specified PartitionName is invalid.")
    }
    return name
  }

  private static func interaction(_ method: Method, _ path: ArraySlice<String>, _ parameters: QueryParameters)
    throws(Fault) -> DICOMInteraction
  {
    let first = path.first
    switch (first, path.count) {
    case (nil, _):
      if method == .options { return .capabilities }
      if parameters["requestType"] != nil { return try only(.get, method, .wadoURI) }
      throw notFound
    case ("wado", 1): return try only(.get, method, .wadoURI)
    case ("changefeed", 1): return try only(.get, method, .changeFeed)
    case ("changefeed", 2) where path.last == "latest": return try only(.get, method, .changeFeedLatest)
    case ("partitions", 1): return try only(.get, method, .partitions)
    case ("series", 1): return try service(method, .search(SearchScope(.series)))
    case ("instances", 1): return try service(method, .search(SearchScope(.instance)))
    case ("studies", 1):
      if method == .post { return .store(study: nil) }
      return try service(method, .search(SearchScope(.study)))
    case ("studies", _): return try studies(method, path.dropFirst())
    default: throw notFound
    }
  }

  /// A GET, or an OPTIONS, which a service's address has too (PS3.18 §8.9).
  private static func service(_ method: Method, _ interaction: DICOMInteraction) throws(Fault) -> DICOMInteraction {
    method == .options ? .capabilities : try only(.get, method, interaction)
  }

  private static func only(_ allowed: Method, _ method: Method, _ interaction: DICOMInteraction) throws(Fault)
    -> DICOMInteraction
  {
    guard method == allowed || allowed == .get && method == .head else { throw notAllowed(method) }
    return interaction
  }

  /// What is below `studies`, which begins with a study's UID.
  private static func studies(_ method: Method, _ path: ArraySlice<String>) throws(Fault) -> DICOMInteraction {
    var rest = path
    let study = try uid(rest.removeFirst(), "StudyInstanceUid")
    if rest.isEmpty, method == .post { return .store(study: study) }
    if rest.count == 1, rest.first == "series" {
      return try service(method, .search(SearchScope(.series, study: study)))
    }
    if rest.count == 1, rest.first == "instances" {
      return try service(method, .search(SearchScope(.instance, study: study)))
    }
    guard rest.first == "series", rest.count >= 2 else { return try target(method, Target(study: study), rest) }
    let series = try uid(rest[rest.startIndex + 1], "SeriesInstanceUid")
    rest = rest.dropFirst(2)
    if rest.count == 1, rest.first == "instances" {
      return try service(method, .search(SearchScope(.instance, study: study, series: series)))
    }
    guard rest.first == "instances", rest.count >= 2 else {
      return try target(method, Target(study: study, series: series), rest)
    }
    let instance = try uid(rest[rest.startIndex + 1], "SopInstanceUid")
    return try target(method, Target(study: study, series: series, instance: instance), rest.dropFirst(2))
  }

  /// What is below a study, a series or an instance.
  private static func target(_ method: Method, _ target: Target, _ rest: ArraySlice<String>) throws(Fault)
    -> DICOMInteraction
  {
    guard let resource = rest.first else {
      if method == .options { return .capabilities }
      return method == .delete ? .delete(target) : try only(.get, method, .retrieve(target))
    }
    switch (resource, rest.count) {
    case ("metadata", 1): return try only(.get, method, .metadata(target))
    case ("rendered", 1): return try only(.get, method, .rendered(target, frames: nil))
    case ("thumbnail", 1): return try only(.get, method, .thumbnail(target, frames: nil))
    case ("pixeldata", 1): return try only(.get, method, .pixelData(target))
    case ("bulkdata", 1): return try only(.get, method, .bulkData(target, path: []))
    case ("bulkdata", _) where target.level == .instance:
      return try only(.get, method, .bulkData(target, path: Array(rest.dropFirst())))
    case ("frames", 2), ("frames", 3):
      guard target.level == .instance else { throw notFound }
      return try only(.get, method, try frames(target, Array(rest.dropFirst())))
    default: throw notFound
    }
  }

  private static func frames(_ target: Target, _ path: [String]) throws(Fault) -> DICOMInteraction {
    let numbers = try frameList(path[0])
    guard path.count > 1 else { return .frames(target, numbers) }
    switch path[1] {
    case "rendered": return .rendered(target, frames: numbers)
    case "thumbnail": return .thumbnail(target, frames: numbers)
    default: throw notFound
    }
  }

  /// Reads a list of frames (PS3.18 §10.1.1.5): numbers from 1, with commas between.
  public static func frameList(_ text: String) throws(Fault) -> [Int] {
    let items = text.split(separator: ",", omittingEmptySubsequences: false)
    guard items.count <= framesMax else {
      throw Fault(.invalid, "A request may ask for \(framesMax) frames at most.")
    }
    var frames: [Int] = []
    for item in items {
      guard let number = Int(item), number > 0, number <= Int(Int32.max) else {
        throw Fault(
          .invalid,
          "The specified frames value is not valid. At least one frame must be present, and all requested frames must "
            + "have value greater than 0.")
      }
      frames.append(number)
    }
    return frames
  }

  /// Reads a UID of an address: NULs and spaces around it say nothing.
  /// - Throws: `.invalid` for what is none.
  public static func uid(_ text: String, _ keyword: StaticString) throws(Fault) -> UID {
    var text = Substring(text)
    while let first = text.unicodeScalars.first, first == " " || first == "\0" { text.unicodeScalars.removeFirst() }
    while let last = text.unicodeScalars.last, last == " " || last == "\0" { text.unicodeScalars.removeLast() }
    let uid = UID(String(text))
    guard uid.isAcceptable else {
      throw Fault(
        .invalid,
        "Dicom element '\(keyword)' failed validation for VR 'UI': \(InstanceValidation.invalidUID)")
    }
    return uid
  }
}
