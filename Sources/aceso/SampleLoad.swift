import Base
import FHIRSearch
import FHIRService
import JSONCore
import Synthesis

/// Fills an empty store with synthetic patients, one transaction each, through the same door as every client's.
struct SampleLoad {
  /// Transactions under way at once: they share commits.
  private static let lanes = 4
  private static let seed: UInt64 = 1

  let service: FHIRService
  let base: String
  let patients: Int

  /// Returns early when cancelled.
  func run() async {
    do throws(Fault) {
      guard try await isEmpty() else { return tell("The store has data already; no sample patients are loaded.") }
      let begun = monotonicNanoseconds()
      let resources = try await load(since: begun)
      guard !Task.isCancelled else { return }
      tell("Loaded \(patients) synthetic patients: \(resources) resources in \(Self.seconds(since: begun)) s.")
    } catch {
      // Somebody wants the server to stop: what is loaded stays.
      guard !Task.isCancelled else { return }
      // The reasons tell of our own synthetic data.
      Terminal.note("The sample patients could not be loaded: \(error.reasons.first?.diagnostics ?? "")")
    }
  }

  private func isEmpty() async throws(Fault) -> Bool {
    let call = Call(.search(nil, QueryString(parsing: "_count=1")), base: base)
    let answer = try await service.perform(call, .everything)
    return try Self.entryCount(answer) == 0
  }

  private func load(since begun: UInt64) async throws(Fault) -> Int {
    var progress = Progress("Loading sample patients", total: patients, unit: "patients")
    var resources = 0
    var done = 0
    var next = min(Self.lanes, patients)
    let outcome = await withTaskGroup(of: Result<Int, Fault>.self) { group -> Result<Int, Fault> in
      for index in 0..<next { group.addTask { await post(index) } }
      while let result = await group.next() {
        switch result {
        case .failure: return result
        case .success(let count): resources += count
        }
        done += 1
        let rate = Double(resources) / max(0.001, Double(monotonicNanoseconds() - begun) / 1e9)
        progress.update(done, detail: ", \(Int(rate)) resources/s")
        guard next < patients, !Task.isCancelled else { continue }
        let index = next
        next += 1
        group.addTask { await post(index) }
      }
      return .success(resources)
    }
    return try outcome.get()
  }

  private func post(_ index: Int) async -> Result<Int, Fault> {
    do throws(Fault) {
      let bundle = PatientSynthesis(seed: Self.seed).bundle(patient: index)
      var call = Call(.bundle, base: base)
      call.resource = ResourceNode(try Self.parsed(bundle))
      return .success(try Self.entryCount(try await service.perform(call, .everything)))
    } catch {
      return .failure(error)
    }
  }

  private static func entryCount(_ answer: Answer) throws(Fault) -> Int {
    let document = try parsed(answer.resource ?? [])
    return document.member(document.root, "entry").map { document.count($0) } ?? 0
  }

  private static func parsed(_ bytes: [UInt8]) throws(Fault) -> JSONDocument {
    do throws(JSONError) {
      return try JSONDocument(bytes)
    } catch {
      throw Fault(.internal, error.message)
    }
  }

  private func tell(_ line: String) {
    Terminal.output(
      """
      \(line) Try:
        curl '\(base)/Patient?_count=3'
        curl '\(base)/Observation?code=http://loinc.org|8867-4&_count=3'
        curl '\(base)/metadata'
      """)
  }

  private static func seconds(since begun: UInt64) -> String {
    let tenths = (monotonicNanoseconds() - begun) / 100_000_000
    return "\(tenths / 10).\(tenths % 10)"
  }
}
