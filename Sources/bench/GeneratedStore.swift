import Base
import FoundationEssentials
import Glibc
import JSONCore
import Synthesis

/// A server's store of so many generated resources, loaded over HTTP where it is missing.
struct GeneratedStore {
  struct Refusal: Error { let text: String }

  /// Seconds in which the server, all data loaded, may finish what it does in the background.
  private static let settleSecondsMax = 300.0

  let size: Int
  private let aceso: String
  private let folder: String

  init(size: Int, in parent: String, aceso: String) {
    self.size = size
    self.aceso = aceso
    folder = "\(parent)/aceso-bench-\(size)"
  }

  /// Written when all is loaded: what was loaded, and how that went.
  private var mark: String { "\(folder)/complete" }

  func start() throws -> ServerProcess {
    try ServerProcess(aceso, health: Run.healthPath, log: "\(folder)/server.log") { port in
      ["serve", "--data-dir", "\(folder)/data", "--host", "127.0.0.1", "--port", "\(port)"]
    }
  }

  /// Loads it unless it is there. Returns what is to be said about it.
  func prepare(connections: Int) throws -> String {
    let generator = "generator \(GeneratedBundles.version)"
    let lines = SmallFile.text(mark).split(separator: "\n").map(String.init)
    if lines.count == 2, lines[0] == generator { return lines[1] }
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: "\(folder)/data", withIntermediateDirectories: true)
    let description = try load(connections: connections)
    guard SmallFile.write(mark, Array("\(generator)\n\(description)\n".utf8)) else {
      throw Refusal(text: "cannot write \(mark)")
    }
    return description
  }

  private func load(connections: Int) throws -> String {
    Report.say("Loading \(Double(size).text(0)) resources into \(folder) …")
    let server = try start()
    var bundles = GeneratedBundles(size: size, requests: Run.requests(server))
    let measurement = try LoadClient(server: server).run(&bundles, connections: connections, seconds: nil)
    guard measurement.refused == 0 else { throw Refusal(text: "a bundle was refused: \(measurement.firstRefusal)") }
    settle(server)
    guard server.stop() == 0 else { throw Refusal(text: "the server did not stop in good order") }
    let count = Double(bundles.resourceCount)
    let perCore = count / max(0.01, measurement.serverProcessorSeconds)
    let bytes = try Self.bytes(of: "\(folder)/data")
    return "\(count.text(0)) resources of \(bundles.patientCount) patients; loaded at "
      + "\((count / measurement.seconds).text(0)) res/s, \(perCore.text(0))/s per server core; "
      + "\((Double(bytes) / count).text(0)) bytes on disk each."
  }

  /// Waits until the server is idle.
  private func settle(_ server: ServerProcess) {
    let began = monotonicNanoseconds()
    var before = server.processorSeconds
    while seconds(since: began) < Self.settleSecondsMax {
      usleep(1_000_000)
      let now = server.processorSeconds
      if now - before < 0.03 { return }
      before = now
    }
  }

  /// Of all files below a folder.
  private static func bytes(of folder: String) throws -> Int {
    try FileManager.default.subpathsOfDirectory(atPath: folder).reduce(0) { sum, path in
      var status = stat()
      guard lstat("\(folder)/\(path)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return sum }
      return sum + Int(status.st_size)
    }
  }
}

/// Synthetic patients as transaction bundles, made when they are sent, until they come to so many resources.
struct GeneratedBundles: Workload {
  private static let progressStep = 100_000

  private let size: Int
  private let requests: Requests
  private let synthesis = PatientSynthesis(seed: SampleResources.seed)
  private let began = monotonicNanoseconds()
  private(set) var patientCount = 0
  /// What the bundles create, without what patients share.
  private(set) var resourceCount = 0

  init(size: Int, requests: Requests) {
    self.size = size
    self.requests = requests
  }

  /// Tells generators apart by what they make: FNV-1a of some patients.
  static var version: String {
    let synthesis = PatientSynthesis(seed: SampleResources.seed)
    let hash = (0..<20).flatMap { synthesis.bundle(patient: $0) }.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return String(hash, radix: 16)
  }

  mutating func next(_ connection: Int) -> [UInt8]? {
    guard resourceCount < size else { return nil }
    let bundle = synthesis.bundle(patient: patientCount)
    let before = resourceCount / Self.progressStep
    patientCount += 1
    resourceCount += Self.created(bundle)
    if resourceCount / Self.progressStep > before {
      let perSecond = Double(resourceCount) / max(0.001, seconds(since: began))
      Report.say("  \(Double(resourceCount).text(0)) resources, \(perSecond.text(0)) res/s on average")
    }
    return requests.send("POST", "", bundle)
  }

  func accepts(_ response: LoadResponse, _ connection: Int) -> Bool { response.status == 200 }

  private static func created(_ bundle: [UInt8]) -> Int {
    guard let document = try? JSONDocument(bundle), let entries = document.member(document.root, "entry") else {
      return 0
    }
    return document.elements(entries).count { entry in
      document.member(entry, "request").flatMap { document.member($0, "ifNoneExist") } == nil
    }
  }
}
