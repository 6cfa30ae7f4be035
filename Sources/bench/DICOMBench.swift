import Base
import DICOMCore
import DICOMSynthesis
import Glibc

/// Measures the DICOM service, and beside it Orthanc and nginx where they are installed.
struct DICOMBench {
  private static let templateCount = 32
  private static let manyConnections = 8
  private static let studyInstances = 100
  private static let seriesInstances = 500
  private static let multipart = #"multipart/related; type="application/dicom"; transfer-syntax=*"#
  private static let octets = #"multipart/related; type="application/octet-stream"; transfer-syntax=*"#
  private static let json = "application/dicom+json"
  // Numbers of copies, so that no two are alike.
  private static let firstOfWarmUp = 0
  private static let firstOfOne = 100_000_000
  private static let firstOfMany = 200_000_000
  private static let firstOfDeleted = 300_000_000

  let options: Options
  private let folder: TemporaryFolder
  private let templates: [InstanceTemplate]
  private let large: SyntheticStudy
  /// Studies of two series of 25.
  private let indexedStudies: Int
  private var table = DICOMTable()

  init(_ options: Options) throws {
    self.options = options
    folder = try TemporaryFolder()
    var one = StudyOptions()
    one.modalities = [.ct]
    one.instancesPerSeries = Self.studyInstances
    let synthesis = StudySynthesis(seed: 2, options: one)
    let copied = synthesis.study(0)
    templates = try (0..<Self.templateCount).map { InstanceTemplate(try copied.instance($0)) }
    large = synthesis.study(1)
    indexedStudies = options.isQuick ? 20 : 400
  }

  mutating func measureAll() throws -> DICOMTable {
    defer { folder.remove() }
    try measure(try DICOMServer.aceso(options.aceso, in: folder.path))
    if options.isQuick { return finished() }
    do {
      if let orthanc = try DICOMServer.orthanc(in: folder.path) {
        try measure(orthanc)
      } else {
        table.note("Orthanc is not installed (Debian: orthanc, orthanc-dicomweb), so nothing is measured beside it.")
      }
    } catch {
      // It is there for comparison only.
      table.note("Orthanc is not measured to the end: \(error)")
    }
    try measureStaticFiles()
    try measureDisk()
    return finished()
  }

  private func finished() -> DICOMTable {
    Report.say("\n\(table.markdown)")
    return table
  }

  private mutating func measure(_ service: DICOMServer) throws {
    Report.say("\n\(service.name)")
    let others = OtherLoad(service.server)
    try measureStore(service)
    try measureIndexStore(service)
    try measureRetrieve(service)
    try measureMetadata(service)
    try measureSearch(service, suffix: "\(indexedStudies * 50 / 1_000) k")
    try measureDelete(service)
    if options.measuresMillion, service.name == "Aceso" { try measureMillion(service) }
    let mebibytes = Double(service.server.residentBytes) / 1_048_576
    table.note("\(service.name): \(mebibytes.text(0)) MiB in memory at the end. \(others.text)")
    service.server.stop()
  }

  // MARK: - Measuring

  private func loop<T: Transfer>(_ transfer: T, _ connections: Int, _ service: DICOMServer) throws -> TransferFigure {
    var transfer = transfer
    _ = try service.client.run(&transfer, connections: connections, seconds: options.warmUpSeconds)
    return try service.client.run(&transfer, connections: connections, seconds: options.seconds)
  }

  private mutating func repeated(
    _ name: String, _ requests: [TransferRequest], _ service: DICOMServer, connections: Int = 1, goal: String = "",
    statuses: Set<Int> = [200]
  ) throws {
    let transfer = RepeatedTransfers(requests, statuses: statuses)
    table.add(name, try loop(transfer, connections, service), of: service.name, goal: goal)
  }

  // MARK: - Storing

  private mutating func measureStore(_ service: DICOMServer) throws {
    var warmUp = StoredCopies(service.requests, templates, from: Self.firstOfWarmUp)
    _ = try service.client.run(&warmUp, connections: 1, seconds: options.warmUpSeconds)
    for (connections, first, goal) in [
      (1, Self.firstOfOne, "≥ 220/s"), (Self.manyConnections, Self.firstOfMany, "≥ 400/s, CPU ≤ 1.5 ms"),
    ] {
      var copies = StoredCopies(service.requests, templates, from: first)
      let figure = try service.client.run(&copies, connections: connections, seconds: options.seconds)
      table.add("Store 526 kB instances, \(connections) × 1", figure, of: service.name, goal: goal)
    }
  }

  /// What is searched afterwards; its storing is the figure for small instances.
  private mutating func measureIndexStore(_ service: DICOMServer) throws {
    let synthesis = StudySynthesis(seed: 3, options: .small)
    let oneByOne = min(20, indexedStudies / 2)
    var single = StoredStudies(service.requests, synthesis, studies: 0..<oneByOne, perRequest: 1)
    let singly = try service.client.run(&single, connections: Self.manyConnections, seconds: nil)
    table.add("Store 8 kB instances, 8 × 1", singly, of: service.name, goal: "≥ 2,000/s")
    var many = StoredStudies(service.requests, synthesis, studies: oneByOne..<indexedStudies, perRequest: 25)
    let together = try service.client.run(&many, connections: Self.manyConnections, seconds: nil)
    table.add("Store 8 kB instances, 8 × 25", together, of: service.name, instances: 25, goal: "≥ 2,000/s")
  }

  private func load(_ study: SyntheticStudy, _ service: DICOMServer) throws {
    let count = study.series[0].instanceCount
    let batches = try stride(from: 0, to: count, by: 10).map { first in
      service.requests.store(try (first..<min(count, first + 10)).map { try study.instance($0).bytes })
    }
    var once = TransfersOnce(batches)
    let figure = try service.client.run(&once, connections: 1, seconds: nil)
    guard figure.measurement.refused == 0 else {
      throw TransferClient.Refusal(text: "a study is not stored: \(figure.measurement.firstRefusal)")
    }
  }

  // MARK: - Retrieving

  private mutating func measureRetrieve(_ service: DICOMServer) throws {
    try load(large, service)
    let requests = service.requests
    let study = "studies/\(large.studyInstanceUID)"
    let series = large.series[0]
    let instances = (0..<Self.studyInstances).map {
      "\(study)/series/\(series.seriesInstanceUID)/instances/\(series.sopInstanceUID($0))"
    }
    try repeated(
      "Retrieve study of 100 × 526 kB", [requests.get(study, accept: Self.multipart)], service, goal: "p50 ≤ 60 ms")
    let whole = instances.map { requests.get($0, accept: Self.multipart) }
    try repeated("Retrieve instance, 1 client", whole, service, goal: "p50 ≤ 0.6 ms")
    try repeated("Retrieve instance, 8 clients", whole, service, connections: Self.manyConnections, goal: "≥ 2,000/s")
    let frames = instances.map { requests.get("\($0)/frames/1", accept: Self.octets) }
    try repeated("Retrieve frame, 1 client", frames, service, goal: "p50 ≤ 0.6 ms")
    try repeated("Retrieve frame, 8 clients", frames, service, connections: Self.manyConnections, goal: "≥ 2,000/s")
    let rendered = instances.map { requests.get("\($0)/frames/1/rendered", accept: "image/jpeg") }
    try repeated("Rendered JPEG 512²", rendered, service, goal: "p50 ≤ 3 ms")
  }

  private mutating func measureMetadata(_ service: DICOMServer) throws {
    var options = StudyOptions.small
    options.modalities = [.ct]
    options.seriesPerStudy = 1
    options.instancesPerSeries = Self.seriesInstances
    let study = StudySynthesis(seed: 4, options: options).study(0)
    try load(study, service)
    let path = "studies/\(study.studyInstanceUID)/series/\(study.series[0].seriesInstanceUID)/metadata"
    let request = service.requests.get(path, accept: Self.json)
    try repeated("Series metadata, 500 instances", [request], service, goal: "p50 ≤ 15 ms")
    guard let tag = try service.client.ask(request).header("etag") else { return }
    let conditional = service.requests.get(path, accept: Self.json, more: "If-None-Match: \(tag)\r\n")
    try repeated("Series metadata, 304", [conditional], service, goal: "p50 ≤ 1 ms", statuses: [304])
  }

  // MARK: - Searching

  private mutating func measureSearch(_ service: DICOMServer, suffix: String) throws {
    let synthesis = StudySynthesis(seed: 3, options: .small)
    let studies = (0..<min(100, indexedStudies)).map { synthesis.study($0) }
    func searches(_ query: (SyntheticStudy) -> String) -> [TransferRequest] {
      studies.map { service.requests.get(query($0), accept: Self.json) }
    }
    let byPatient = searches { "studies?PatientID=\($0.patient.patientID)" }
    try repeated("Search studies by PatientID, \(suffix)", byPatient, service, goal: "p50 ≤ 1 ms")
    try repeated(
      "Search studies by PatientID, \(suffix), 8 clients", byPatient, service, connections: Self.manyConnections,
      goal: "≥ 3,000/s")
    try repeated(
      "Search studies by AccessionNumber, \(suffix)", searches { "studies?AccessionNumber=\($0.accessionNumber)" },
      service)
    try repeated(
      "Search studies by StudyDate, \(suffix)", searches { "studies?StudyDate=\($0.studyDate)" }, service)
    try repeated(
      "Search series of a study, \(suffix)", searches { "studies/\($0.studyInstanceUID)/series" }, service)
    let all = [service.requests.get("studies?limit=100", accept: Self.json)]
    try repeated("Search 100 studies, all defaults, \(suffix)", all, service, goal: "p50 ≤ 8 ms")
    try repeated(
      "Search 100 studies, all defaults, \(suffix), 8 clients", all, service, connections: Self.manyConnections,
      goal: "≥ 300/s")
  }

  /// A million instances with hardly a pixel, and the searches once more.
  private mutating func measureMillion(_ service: DICOMServer) throws {
    var options = StudyOptions.small
    (options.rows, options.columns) = (4, 4)
    let synthesis = StudySynthesis(seed: 5, options: options)
    var stored = StoredStudies(service.requests, synthesis, studies: 0..<(20_000 - indexedStudies), perRequest: 25)
    let figure = try service.client.run(&stored, connections: Self.manyConnections, seconds: nil)
    table.add("Store instances without pixels up to 1 M, 8 × 25", figure, of: service.name, instances: 25)
    try measureSearch(service, suffix: "1 M")
  }

  // MARK: - Deleting

  private mutating func measureDelete(_ service: DICOMServer) throws {
    let count = options.isQuick ? 1 : 6
    var stored = StoredCopies(
      service.requests, templates, from: Self.firstOfDeleted, count: count * StoredCopies.instancesPerStudy)
    _ = try service.client.run(&stored, connections: Self.manyConnections, seconds: nil)
    let first = Self.firstOfDeleted / StoredCopies.instancesPerStudy
    let deletions = try (0..<count).map { try service.deletion(of: templates[0].studyUID(first + $0)) }
    var once = TransfersOnce(deletions)
    let figure = try service.client.run(&once, connections: 1, seconds: nil)
    table.add("Delete study of 100 × 526 kB", figure, of: service.name, goal: "p50 ≤ 10 ms")
  }

  // MARK: - Limits

  private mutating func measureStaticFiles() throws {
    guard let nginx = try StaticFiles.start(in: folder.path) else {
      return table.note("nginx is not installed, so static files are not measured.")
    }
    Report.say("\nnginx")
    let instance = try large.instance(0).bytes
    StaticFiles.put("instance", instance, in: folder.path)
    StaticFiles.put("study", Array(repeatElement(instance, count: Self.studyInstances).joined()), in: folder.path)
    let requests = DICOMRequests(host: "127.0.0.1:\(nginx.port)", base: "")
    let service = TransferClient(server: nginx)
    for (name, path, connections) in [
      ("Retrieve study of 100 × 526 kB", "study", 1), ("Retrieve instance, 1 client", "instance", 1),
      ("Retrieve instance, 8 clients", "instance", Self.manyConnections),
    ] {
      var transfer = RepeatedTransfers([requests.get(path, accept: "*/*")])
      _ = try service.run(&transfer, connections: connections, seconds: options.warmUpSeconds)
      let figure = try service.run(&transfer, connections: connections, seconds: options.seconds)
      table.add(name, figure, of: "nginx")
    }
    nginx.stop()
  }

  /// Files of an instance's size, each written, synced and named as a careful store has to, by one thread.
  private mutating func measureDisk() throws {
    let instance = try large.instance(0).bytes
    var figure = TransferFigure()
    let processorBefore = Machine.ownSeconds
    let began = monotonicNanoseconds()
    while seconds(since: began) < options.seconds {
      let start = monotonicNanoseconds()
      let path = "\(folder.path)/raw-\(figure.measurement.count)"
      let file = open("\(path).new", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      defer { close(file) }
      guard file >= 0, SmallFile.writeAll(file, instance), fdatasync(file) == 0, rename("\(path).new", path) == 0 else {
        throw TransferClient.Refusal(text: "cannot write \(path)")
      }
      figure.measurement.latencies.append(monotonicNanoseconds() - start)
      figure.bytes += instance.count
    }
    figure.measurement.seconds = seconds(since: began)
    figure.measurement.serverProcessorSeconds = Machine.ownSeconds - processorBefore
    figure.measurement.latencies.sort()
    table.add("Store 526 kB instances, 1 × 1", figure, of: "bare disk")
  }
}
