import Base
import FHIRModel
import Glibc
import JSONCore

/// What the structure check, which every write passes, costs the processor.
struct ValidationCost {
  struct Refusal: Error { let text: String }

  /// Processor seconds to check all the bundles once.
  let seconds: Double

  /// - Parameter limit: seconds to measure; every bundle is checked at least once.
  init(_ bundles: [[UInt8]], seconds limit: Double) throws {
    let check = StructureCheck(schema: .r4)
    // Each document is parsed anew, so that what it holds is no warmer than in the server; the parse is not counted.
    // The least round is taken, for whatever else the machine does only adds to the others.
    var best = Double.infinity
    let began = monotonicNanoseconds()
    repeat {
      var round = 0.0
      for bundle in bundles {
        let document = try JSONDocument(bundle)
        let before = Self.processorSeconds
        let issues = check.issues(of: document)
        round += Self.processorSeconds - before
        if let first = issues.first {
          throw Refusal(text: "a bundle of the bench is not valid: \(first.diagnostics)")
        }
      }
      best = min(best, round)
    } while Double(monotonicNanoseconds() - began) < limit * 1e9
    seconds = best
  }

  /// Processor time of this thread so far.
  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
