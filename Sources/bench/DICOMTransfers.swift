import DICOMCore
import DICOMSynthesis

/// Ready-made DICOMweb requests to one service.
struct DICOMRequests {
  let host: String
  /// The service's path, without a slash at its end.
  let base: String

  static let boundary = "aceso-bench-boundary"

  func get(_ path: String, accept: String, more: String = "") -> TransferRequest {
    TransferRequest(Array("GET \(base)/\(path) HTTP/1.1\r\nHost: \(host)\r\nAccept: \(accept)\r\n\(more)\r\n".utf8))
  }

  func delete(_ path: String) -> TransferRequest {
    TransferRequest(Array("DELETE \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8))
  }

  /// STOW-RS (PS3.18 §10.5) of instances.
  func store(_ instances: [[UInt8]]) -> TransferRequest {
    let part = Array("--\(Self.boundary)\r\nContent-Type: application/dicom\r\n\r\n".utf8)
    var body: [UInt8] = []
    body.reserveCapacity(instances.reduce(200) { $0 + part.count + $1.count + 2 })
    for instance in instances {
      body += part
      body += instance
      body += [13, 10]
    }
    body += Array("--\(Self.boundary)--\r\n".utf8)
    let head =
      "POST \(base)/studies HTTP/1.1\r\nHost: \(host)\r\nAccept: application/dicom+json\r\n"
      + #"Content-Type: multipart/related; type="application/dicom"; boundary="# + Self.boundary
      + "\r\nContent-Length: \(body.count)\r\n\r\n"
    return TransferRequest(Array(head.utf8), body)
  }
}

/// The same requests in turn.
struct RepeatedTransfers: Transfer {
  private let requests: [TransferRequest]
  private let statuses: Set<Int>
  private var position = 0

  init(_ requests: [TransferRequest], statuses: Set<Int> = [200]) {
    self.requests = requests
    self.statuses = statuses
  }

  mutating func next(_ connection: Int) -> TransferRequest? {
    guard !requests.isEmpty else { return nil }
    position = (position + 7_919) % requests.count
    return requests[position]
  }

  func accepts(_ answer: TransferAnswer, _ connection: Int) -> Bool {
    statuses.contains(answer.status) && (answer.bodyCount > 0 || answer.status != 200)
  }
}

/// Each request once, on whichever connection is free.
struct TransfersOnce: Transfer {
  private var requests: ArraySlice<TransferRequest>

  init(_ requests: [TransferRequest]) { self.requests = requests[...] }

  mutating func next(_ connection: Int) -> TransferRequest? { requests.popFirst() }

  func accepts(_ answer: TransferAnswer, _ connection: Int) -> Bool { (200..<300).contains(answer.status) }
}

/// Stores ever new instances: the bytes of a few, with other unique identifiers in them, so that making them costs the
/// client nearly nothing.
struct StoredCopies: Transfer {
  private let requests: DICOMRequests
  private let templates: [InstanceTemplate]
  /// Instances that are still to be sent; nil for no end.
  private var rest: Int?
  private var number: Int

  /// - Parameter templates: of one series, so that their copies are of one study.
  init(_ requests: DICOMRequests, _ templates: [InstanceTemplate], from first: Int, count: Int? = nil) {
    self.requests = requests
    self.templates = templates
    number = first
    rest = count
  }

  mutating func next(_ connection: Int) -> TransferRequest? {
    if let rest, rest == 0 { return nil }
    rest = rest.map { $0 - 1 }
    defer { number += 1 }
    let template = templates[number % templates.count]
    return requests.store([template.copy(study: number / Self.instancesPerStudy, instance: number)])
  }

  func accepts(_ answer: TransferAnswer, _ connection: Int) -> Bool { answer.status == 200 }

  static let instancesPerStudy = 100
}

/// A file in which the last digits of its unique identifiers can be changed.
struct InstanceTemplate {
  private let bytes: [UInt8]
  private let studyUID: String
  private let study: [Int]
  private let series: [Int]
  private let instance: [Int]
  private static let digits = 9

  init(_ instance: SyntheticInstance) {
    bytes = instance.bytes
    studyUID = instance.studyInstanceUID.value
    study = Self.places(of: studyUID, in: bytes)
    series = Self.places(of: instance.seriesInstanceUID.value, in: bytes)
    self.instance = Self.places(of: instance.sopInstanceUID.value, in: bytes)
  }

  /// Where the identifier ends, each time it is in the header.
  private static func places(of uid: String, in bytes: [UInt8]) -> [Int] {
    let text = Array(uid.utf8)
    let header = bytes.prefix(8_192)
    var places: [Int] = []
    var start = 0
    while start + text.count <= header.count {
      if header[start] == text[0], header[start..<start + text.count].elementsEqual(text) {
        places.append(start + text.count)
      }
      start += 1
    }
    return places
  }

  func copy(study number: Int, instance: Int) -> [UInt8] {
    var copy = bytes
    for place in study { Self.write(number, endingAt: place, &copy) }
    for place in series { Self.write(number, endingAt: place, &copy) }
    for place in self.instance { Self.write(instance, endingAt: place, &copy) }
    return copy
  }

  func studyUID(_ number: Int) -> String {
    let digits = String(number)
    return studyUID.dropLast(Self.digits) + String(repeating: "0", count: Self.digits - digits.count) + digits
  }

  private static func write(_ number: Int, endingAt end: Int, _ bytes: inout [UInt8]) {
    var rest = number
    for place in stride(from: end - 1, through: end - digits, by: -1) {
      bytes[place] = UInt8(truncatingIfNeeded: 48 + rest % 10)
      rest /= 10
    }
  }
}

/// Stores synthetic studies, so many instances in a request, made when they are sent.
struct StoredStudies: Transfer {
  private let requests: DICOMRequests
  private let synthesis: StudySynthesis
  private let perRequest: Int
  private let studies: Range<Int>
  private var study: SyntheticStudy
  private var series = 0
  private var number = 0
  private(set) var instanceCount = 0
  /// Every hundredth or so, to search for.
  private(set) var patientIDs: [String] = []

  init(_ requests: DICOMRequests, _ synthesis: StudySynthesis, studies: Range<Int>, perRequest: Int) {
    self.requests = requests
    self.synthesis = synthesis
    self.perRequest = perRequest
    self.studies = studies
    study = synthesis.study(studies.lowerBound)
    patientIDs = [study.patient.patientID]
  }

  mutating func next(_ connection: Int) -> TransferRequest? {
    guard studies.contains(study.index) else { return nil }
    var instances: [[UInt8]] = []
    while instances.count < perRequest, number < synthesis.options.instancesPerSeries {
      if let instance = try? study.instance(number, ofSeries: series) { instances.append(instance.bytes) }
      number += 1
    }
    instanceCount += instances.count
    if number == synthesis.options.instancesPerSeries {
      number = 0
      series += 1
    }
    if series == study.series.count {
      series = 0
      study = synthesis.study(study.index + 1)
      if studies.contains(study.index) { patientIDs.append(study.patient.patientID) }
    }
    return requests.store(instances)
  }

  func accepts(_ answer: TransferAnswer, _ connection: Int) -> Bool { answer.status == 200 }
}
