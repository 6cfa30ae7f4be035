#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import FHIRStore

/// One type's part of a job.
///
/// Ranges of keys are found by one query after another, extracted at the same time on as many threads as there are
/// cores, and written in the order of their keys by one transaction after another: what is known of a job is one key
/// per type. Nothing is further ahead of the writer than some ranges, so memory has its bounds. Nothing here is kept: a
/// flow that was ended anywhere begins where the last transaction left the job.
struct ReindexFlow {
  private let service: FHIRService
  private let job: ReindexJob
  private let progress: ReindexJob.Progress
  private let catalog: SearchCatalog
  /// Ranges extracted at the same time.
  private let width: Int

  // What was found
  private var found: [ReindexRange] = []
  private var isFinding = false
  /// The last key that a query looked at; nil before the first.
  private var looked: Int64?
  private var isFound = false

  // What is extracted: ranges by their number
  private var begun = 0
  private var extracting = 0
  private var extracted: [Int: ReindexRows] = [:]

  // What is written
  private var next = 0
  private var isWriting = false
  private var pace: WriterPace
  private var isOver = false

  /// Something that was waited for.
  private enum Step: Sendable {
    case found([ReindexRange])
    case extracted(Int, ReindexRows)
    case written(WriterPace, isOver: Bool)
  }

  /// Ranges ahead of the writer, for each that is extracted at the same time.
  private static let aheadMax = 4

  /// Cores of this machine.
  static let cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  init(_ service: FHIRService, _ job: ReindexJob, _ progress: ReindexJob.Progress, _ catalog: SearchCatalog) {
    self.service = service
    self.job = job
    self.progress = progress
    self.catalog = catalog
    width = max(1, min(job.options.concurrency, Self.cores))
    pace = WriterPace(service.store)
  }

  /// Indexes what is left of the type; returns when it is done with, or the job is no longer running.
  func run() async throws {
    try await withThrowingTaskGroup(of: Step.self) { group in
      var flow = self
      flow.begin(in: &group)
      while let step = try await group.next() {
        flow.take(step)
        if flow.isOver { return group.cancelAll() }
        flow.begin(in: &group)
      }
    }
  }

  private mutating func take(_ step: Step) {
    switch step {
    case .found(let ranges):
      isFinding = false
      found += ranges
      looked = ranges.last?.through ?? looked
      isFound = ranges.last?.isLast ?? true
    case .extracted(let number, let rows):
      extracting -= 1
      extracted[number] = rows
    case .written(let pace, let isOver):
      isWriting = false
      self.pace = pace
      self.isOver = isOver
    }
  }

  /// Begins whatever can go on.
  private mutating func begin(in group: inout ThrowingTaskGroup<Step, any Error>) {
    let (service, job, progress, catalog) = (service, job, progress, catalog)
    while extracting < width, begun - next < width * Self.aheadMax, !found.isEmpty {
      let (number, range) = (begun, found.removeFirst())
      begun += 1
      extracting += 1
      group.addTask { .extracted(number, try await service.rows(range, catalog)) }
    }
    if !isFinding, !isFound, found.count < width {
      isFinding = true
      let after = looked
      group.addTask {
        if after != nil, job.options.delayMilliseconds > 0 {
          try await Task.sleep(for: .milliseconds(job.options.delayMilliseconds))
        }
        return .found(try await service.store.reindexRanges(job, progress, catalog, after: after))
      }
    }
    guard !isWriting, let portion = portion() else { return }
    isWriting = true
    let (before, extraction) = (pace, portion.duration / width)
    group.addTask {
      var pace = before
      let isRunning = try await pace.pacing(extraction) { try await service.store.write(portion, of: job) }
      return .written(pace, isOver: !isRunning || portion.isLast)
    }
  }

  /// What the next transaction writes; nil while that is being extracted.
  private mutating func portion() -> ReindexPortion? {
    guard extracted[next] != nil else { return nil }
    var portion = ReindexPortion(job, progress, isShared: pace.isShared)
    while !portion.isFull, var rows = extracted.removeValue(forKey: next) {
      if portion.take(from: &rows) {
        next += 1
      } else {
        extracted[next] = rows
      }
    }
    return portion
  }
}

extension FHIRService {
  /// What a range's resources say under the parameters that they lack.
  fileprivate func rows(_ range: ReindexRange, _ catalog: SearchCatalog) async throws -> ReindexRows {
    try await store.reindexRows(range, catalog) { body, type, only in
      try self.rows(body, type, catalog, only: only)
    }
  }
}
