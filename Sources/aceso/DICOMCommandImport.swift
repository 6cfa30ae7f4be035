import ArgumentParser
import Base
import DICOMCore
import Dispatch
import Glibc
import Synchronization

/// `aceso dicom import`
struct DICOMImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Store DICOM files on a server.",
    discussion: """
      Sends all DICOM files of a folder and the folders in it, or of a ZIP archive (without unpacking it), to a \
      DICOMweb service. What is there already stays as it is; what is no DICOM is passed over. It ends with 1 if any \
      file failed.
      """)

  @Argument(help: "A folder, a ZIP archive or a DICOM file.")
  var path: String

  @Option(help: ArgumentHelp("The service's address.", valueName: "url"))
  var url = "http://127.0.0.1:8080/default/dicom/v2"

  @Option(help: ArgumentHelp("Connections at a time.", valueName: "n"))
  var connections = 4

  @Option(help: ArgumentHelp("Instances of a request, at most; it has no more than 64 MB.", valueName: "n"))
  var batch = 20

  @Option(help: ArgumentHelp("Another header, as in 'Authorization: Bearer …'. May be given several times."))
  var header: [String] = []

  func validate() throws {
    guard (1...64).contains(connections) else { throw ValidationError("--connections is 1 to 64.") }
    guard (1...1_000).contains(batch) else { throw ValidationError("--batch is 1 to 1000.") }
    guard ServiceAddress(url) != nil else {
      throw ValidationError("'\(url)' is no address like http://host:port/path.")
    }
    guard header.allSatisfy({ $0.contains(":") && $0.utf8.allSatisfy { $0 >= 0x20 } }) else {
      throw ValidationError("A header is 'Name: value'.")
    }
  }

  func run() async throws {
    guard let address = ServiceAddress(url) else { return }
    let candidates = try ImportCandidate.all(at: path)
    let job = ImportJob(candidates, batch: batch)
    await withTaskGroup { group in
      for number in 0..<connections {
        group.addTask { [header] in
          await withCheckedContinuation { continuation in
            // A queue of its own has a thread of its own, which may wait for the network and the disk.
            DispatchQueue(label: "import \(number)").async {
              job.work(StoreClient(address, headers: header))
              continuation.resume()
            }
          }
        }
      }
    }
    if !job.summarize() { throw ExitCode(1) }
  }
}

/// The files of one import, and what has become of them. All connections work on it.
final class ImportJob: Sendable {
  private struct State {
    var next = 0
    var progress: Progress
    var done = 0
    var stored = 0
    var warned = 0
    var existing = 0
    var others = 0
    var bytes = 0
    var failures: [(name: String, reason: String)] = []
    /// Why the rest is not even tried.
    var obstacle: String?
  }

  private static let batchBytesMax = 64 << 20
  private static let failuresShownMax = 50

  private let candidates: [ImportCandidate]
  private let batch: Int
  private let begun = monotonicNanoseconds()
  private let state: Mutex<State>

  init(_ candidates: [ImportCandidate], batch: Int) {
    self.candidates = candidates
    self.batch = batch
    state = Mutex(State(progress: Progress("Importing", total: candidates.count, unit: "files")))
  }

  /// Stores batch after batch until none is left.
  func work(_ client: StoreClient) {
    while let taken = take() {
      let instances = taken.filter(isInstance)
      if !instances.isEmpty { store(instances, client) }
    }
  }

  private func take() -> ArraySlice<ImportCandidate>? {
    state.withLock { state in
      guard state.next < candidates.count, state.obstacle == nil else { return nil }
      let start = state.next
      var bytes = 0
      while state.next < candidates.count, state.next - start < batch {
        bytes += candidates[state.next].count
        if state.next > start, bytes > Self.batchBytesMax { break }
        state.next += 1
      }
      return candidates[start..<state.next]
    }
  }

  private func isInstance(_ candidate: ImportCandidate) -> Bool {
    do {
      if try candidate.kind() == .instance { return true }
      finish(1) { $0.others += 1 }
    } catch {
      fail(candidate, "\(error)")
    }
    return false
  }

  private func store(_ instances: [ImportCandidate], _ client: StoreClient) {
    do {
      switch try client.store(instances) {
      case .hopeless(let reason): state.withLock { $0.obstacle = reason }
      case .answered(let answer): note(answer, instances)
      case .refused(let reason) where instances.count == 1: fail(instances[0], reason)
      // One of them may be to blame for all.
      case .refused: for instance in instances { store([instance], client) }
      }
    } catch {
      if instances.count == 1 { return fail(instances[0], "\(error)") }
      for instance in instances { store([instance], client) }
    }
  }

  private func note(_ answer: StoreAnswer, _ instances: [ImportCandidate]) {
    let failed = answer.failures.filter { !$0.isExisting }
    // Names are wanted only for what failed.
    let names = failed.isEmpty ? [:] : Dictionary(grouping: instances) { $0.sopInstanceUID()?.value ?? "" }
    finish(instances.count) { state in
      state.stored += answer.stored
      state.warned += answer.warned
      state.existing += answer.failures.count - failed.count
      state.bytes += instances.reduce(0) { $0 + $1.count }
      for failure in failed {
        let named = names[failure.instance?.value ?? ""]?.map(\.name) ?? []
        let name = named.isEmpty ? failure.instance?.value ?? "one of the files" : named.joined(separator: " or ")
        state.failures.append((name, failure.reason))
      }
    }
  }

  private func fail(_ candidate: ImportCandidate, _ reason: String) {
    finish(1) { $0.failures.append((candidate.name, reason)) }
  }

  private func finish(_ count: Int, _ note: (inout State) -> Void) {
    state.withLock { state in
      note(&state)
      state.done += count
      let seconds = max(0.001, Double(monotonicNanoseconds() - begun) / 1e9)
      let rate = Int(Double(state.done) / seconds)
      state.progress.update(state.done, detail: ", \(rate)/s, \(state.bytes / 1_000_000) MB")
    }
  }

  /// Names in archives and words of servers, without what a terminal would obey.
  static func visible(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
      shown.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
    }
    return shown
  }

  /// Tells what has become of the files; false if any failed.
  func summarize() -> Bool {
    state.withLock { state in
      for failure in state.failures.prefix(Self.failuresShownMax) {
        Terminal.note(Self.visible("\(failure.name): \(failure.reason)"))
      }
      let more = state.failures.count - Self.failuresShownMax
      if more > 0 { Terminal.note("… and \(more) more") }
      let warned = state.warned > 0 ? " (\(state.warned) with warnings)" : ""
      Terminal.output(
        "\(state.stored) stored\(warned), \(state.existing) there already, \(state.failures.count) failed, "
          + "\(state.others) no DICOM instance.")
      guard let obstacle = state.obstacle else { return state.failures.isEmpty }
      Terminal.note("Not all was sent: \(obstacle)")
      return false
    }
  }
}
